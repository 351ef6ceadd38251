// Generated from schemas/ by `npm run generate`; do not edit.

/** What a pattern of the schemas means, in words, with the values worth suggesting. */
export const PATTERN_TEXTS: Readonly<Record<string, { readonly text: string; readonly suggest?: readonly string[]; readonly code?: string }>> = {
  ".": {
    "text": "the path must not be empty"
  },
  "[^\\s]": {
    "text": "the text must not be empty"
  },
  "^([01]\\d|2[0-3]):[0-5]\\d$": {
    "text": "a time of day is \"HH:mm\", in UTC, such as \"02:00\""
  },
  "^(string|integer|decimal|decimal\\([1-9]\\d?,\\s*\\d{1,2}\\)|double|boolean|date|timestamp|array|map|object)$": {
    "text": "a type is one of string, integer, decimal, decimal(p,s), double, boolean, date, timestamp, array, map, object",
    "suggest": [
      "string",
      "integer",
      "decimal",
      "double",
      "boolean",
      "date",
      "timestamp",
      "array",
      "map",
      "object"
    ]
  },
  "^SHA256:[A-Za-z0-9+/]{43}=?$": {
    "text": "the host key is pinned by its fingerprint, SHA256:…; `ssh-keyscan HOST | ssh-keygen -lf -` prints it"
  },
  "^[0-9]+(ms|s|m|h|d)$": {
    "text": "a duration is a number and a unit (s, m, h, d), such as 30m"
  },
  "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$": {
    "text": "a header’s name is letters, digits and hyphens, such as X-Api-Key"
  },
  "^[A-Za-z0-9_-]+\\.(ts|mts|js|mjs)$": {
    "text": "a connector is a module beside the card, such as connector.js"
  },
  "^[A-Za-z_][A-Za-z0-9_]*$": {
    "text": "an environment variable’s name is letters, digits and underscores",
    "code": "RC1403"
  },
  "^[^@\\s]+@[^@\\s]+$": {
    "text": "an address is name@host"
  },
  "^[^\\r\\n]$": {
    "text": "one character, such as \",\" or \"\\t\""
  },
  "^[^\\r\\n]?$": {
    "text": "one character, or \"\" for none"
  },
  "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$": {
    "text": "a name is 1 to 63 lower-case letters, digits and inner hyphens"
  },
  "^\\d+(\\.\\d+)?%$": {
    "text": "a rate is a percentage, such as 1%"
  },
  "^\\d{4}-\\d{2}-\\d{2}$": {
    "text": "a day is written YYYY-MM-DD, such as 2026-12-01"
  },
  "^\\d{4}-\\d{2}-\\d{2}(T\\d{2}:\\d{2}(:\\d{2}(\\.\\d+)?)?(Z|[+-]\\d{2}:\\d{2}))?$": {
    "text": "a time is written in ISO 8601 with its zone, such as 2026-12-01T02:00:00Z"
  },
  "^https?://": {
    "text": "an endpoint starts with https:// (or http:// for an emulator)"
  },
  "^https?://[^\\s/]+": {
    "text": "an address starts with https:// (http:// only to this machine)"
  },
  "^sqlite:.+": {
    "text": "the state is sqlite:PATH, or {env: NAME} for a postgresql:// address, since it holds a password",
    "code": "RC1403"
  }
};
