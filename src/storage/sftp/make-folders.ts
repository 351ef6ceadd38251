import { posix } from 'node:path';
import { SftpStatus, statusOf, type SftpSession } from './sftp-session.ts';

/** Read, write and enter for the group: otherwise a reader on the server cannot remove what it took (domain/campaign.md, Adobe's own SFTP). */
const GROUP_ALL = 0o070;

/** Makes `folder` and what is missing above it. Folders that exist are left as they are. */
export async function makeFolders(session: SftpSession, folder: string): Promise<void> {
  if (await isFolder(session, folder)) return;
  const above = posix.dirname(folder);
  if (above !== folder && above !== '.') await makeFolders(session, above);
  try {
    await session.mkdir(folder);
  } catch (error) {
    // Another file's upload may have made it meanwhile.
    if (await isFolder(session, folder)) return;
    throw error;
  }
  const { mode } = await session.stat(folder);
  if ((mode & GROUP_ALL) === GROUP_ALL) return;
  await session.chmod(folder, (mode & 0o7777) | GROUP_ALL).catch((error: unknown) => {
    if (statusOf(error) === undefined) throw error;
  });
}

async function isFolder(session: SftpSession, folder: string): Promise<boolean> {
  try {
    return (await session.stat(folder)).isDirectory();
  } catch (error) {
    if (statusOf(error) === SftpStatus.noSuchFile) return false;
    throw error;
  }
}
