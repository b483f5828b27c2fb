/**
 * Whether a directory lies on storage that keeps what it acknowledges. Type numbers are those of Linux's statfs(2);
 * other systems are not judged.
 * @module
 */
import { statfsSync } from 'node:fs'

export interface FileSystemVerdict {
  /** `volatile`: gone at power-off. `remote`: locks and syncs depend on a server. `unsure`: depends on what is below. */
  readonly kind: 'durable' | 'volatile' | 'remote' | 'unsure'
  readonly name: string
}

const KNOWN: ReadonlyMap<number, FileSystemVerdict> = new Map([
  [0x01021994, { kind: 'volatile', name: 'tmpfs' }],
  [0x858458f6, { kind: 'volatile', name: 'ramfs' }],
  [0x6969, { kind: 'remote', name: 'NFS' }],
  [0x517b, { kind: 'remote', name: 'SMB' }],
  [0xfe534d42, { kind: 'remote', name: 'SMB2' }],
  [0xff534d42, { kind: 'remote', name: 'CIFS' }],
  [0x00c36400, { kind: 'remote', name: 'Ceph' }],
  [0x5346414f, { kind: 'remote', name: 'AFS' }],
  [0x01021997, { kind: 'unsure', name: '9p' }],
  [0x65735546, { kind: 'unsure', name: 'FUSE' }],
])

export function judgeFileSystem(type: number): FileSystemVerdict {
  // The kernel's field is a signed word: types above 2^31 may arrive negative.
  return KNOWN.get(type >>> 0) ?? { kind: 'durable', name: `type 0x${(type >>> 0).toString(16)}` }
}

export function fileSystemOf(directory: string): FileSystemVerdict {
  if (process.platform !== 'linux') return { kind: 'durable', name: process.platform }
  return judgeFileSystem(statfsSync(directory).type)
}
