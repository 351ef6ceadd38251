#!/usr/bin/env bash
# The package as a user installs it: packed, installed beside Node 24 (the oldest that is promised), used from an empty folder. An older Node is told what is needed.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cd "$root"
npm pack --silent --ignore-scripts --pack-destination "$work" >/dev/null
cd "$work"
npm init --yes >/dev/null 2>&1
npm install --no-audit --no-fund --loglevel=error ./audience-reconciler-*.tgz node@24
export PATH="$work/node_modules/.bin:$PATH"
node --version | grep -q '^v24\.'
reconcile --version
# Uploads of large files start it by its name.
test -f node_modules/audience-reconciler/dist/upload-worker.js
reconcile init shop
cd shop
reconcile validate
reconcile plan >/dev/null
reconcile apply --auto-approve --no-input
reconcile plan --detailed-exitcode >/dev/null
activation=$(reconcile state list --json | node -e 'let t="";process.stdin.on("data",(d)=>t+=d).on("end",()=>console.log(JSON.parse(t).resources.find((r)=>r.kind==="Activation").name))')
reconcile run "$activation"
reconcile destinations >/dev/null
echo "package: installed and used with $(node --version)"

# The suites for the storages and connectors of others, under their own vitest: a tiny storage passes, and its types are ours.
cd "$work"
ln -s "$root/node_modules/vitest" node_modules/vitest
cp "$root/test/package/memory-storage.ts" memory-storage.test.ts
"$root/node_modules/.bin/tsc" --noEmit --strict --skipLibCheck --target es2024 --lib es2024,esnext.disposable --module nodenext --types node --typeRoots "$root/node_modules/@types" memory-storage.test.ts
npx vitest run --root "$work" memory-storage >"$work/suite" 2>&1 || { cat "$work/suite"; exit 1; }
grep -E 'Tests .* passed' "$work/suite"
printf "import { storageSuite } from 'audience-reconciler/testing';\nstorageSuite('broken', async () => ({ open: async () => { throw new Error('no storage'); }, [Symbol.asyncDispose]: async () => {} }));\n" >broken.test.ts
if npx vitest run --root "$work" broken >"$work/suite" 2>&1; then echo "the suite passes a storage that is none"; exit 1; fi
echo "package: the suites run for a storage of others"

cd "$work"
for old in $(PATH="${PATH#*:}" type -ap node); do
  major=$("$old" -p 'process.versions.node.split(".")[0]')
  if [ "$major" -lt 24 ]; then
    if "$old" node_modules/audience-reconciler/bin/reconcile.cjs --version >"$work/out" 2>&1; then echo "Node $major was not refused"; exit 1; fi
    grep -q 'needs Node.js 24' "$work/out"
    echo "package: Node $major is told: $(head -1 "$work/out")"
  fi
done
