import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileSystemOf, judgeFileSystem } from './file-system.ts'
import { temporaryDirectory } from './testing/temporary.ts'

test('types of statfs(2) are told apart, signed or not', () => {
  const cases: [number, string, string][] = [
    [0x01021994, 'volatile', 'tmpfs'],
    [0x6969, 'remote', 'NFS'],
    [0xff534d42, 'remote', 'CIFS'],
    [0xff534d42 | 0, 'remote', 'CIFS'],
    [0x858458f6 | 0, 'volatile', 'ramfs'],
    [0x65735546, 'unsure', 'FUSE'],
    [0xef53, 'durable', 'type 0xef53'],
  ]
  for (const [type, kind, name] of cases) assert.deepEqual(judgeFileSystem(type), { kind, name })
})

test('a real directory is judged', () => {
  assert.match(fileSystemOf(temporaryDirectory()).kind, /^(durable|volatile|unsure|remote)$/)
})
