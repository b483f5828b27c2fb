/**
 * The libraries that stand alone, as npm would publish them: packed, unpacked elsewhere, run on plain Node without our
 * loader condition, and type-checked by somebody with strict settings.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { describe, it } from 'node:test'

const ROOT = path.resolve(import.meta.dirname, '../..')

describe('published packages', () => {
  for (const name of ['cedar', 'relations']) {
    it(`@safeconduct/${name} is compiled, typed, licensed and runs its README`, () => {
      const home = mkdtempSync(path.join(os.tmpdir(), 'safeconduct-pack-'))
      try {
        const installed = unpacked(name, home)
        const files = readdirSync(installed, { recursive: true, encoding: 'utf8' })
        for (const wanted of ['README.md', 'LICENSE', 'package.json', 'dist/index.js', 'dist/index.d.ts'])
          assert.ok(files.includes(wanted), wanted)
        const sources = files.filter((file) => /(?<!\.d)\.ts$|\.test\.|testing/.test(file))
        assert.deepEqual(sources, [], 'nothing but what was compiled')

        const readme = readFileSync(path.join(installed, 'README.md'), 'utf8')
        const snippets = programs(readme)
        assert.ok(snippets.length > 0)
        for (const [number, snippet] of snippets.entries()) {
          const file = `snippet-${number}.mts`
          writeFileSync(path.join(home, file), snippet)
          assert.notEqual(run(home, process.execPath, ['--no-warnings', file]), '')
        }
        writeFileSync(path.join(home, 'tsconfig.json'), TSCONFIG)
        const tsc = path.join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
        run(home, process.execPath, [tsc, '-p', 'tsconfig.json'])
      } finally {
        rmSync(home, { recursive: true, force: true })
      }
    })
  }
})

/** A snippet that imports nothing goes on from the one before it. */
function programs(readme: string): string[] {
  const whole: string[] = []
  for (const [, text = ''] of readme.matchAll(/```ts\n([\s\S]*?)```/g)) {
    if (/^import /m.test(text)) whole.push(text)
    else whole.push(`${whole.pop() ?? ''}\n${text}`)
  }
  return whole
}

/** A module as strict as it gets, which looks into declarations as well. */
const TSCONFIG = JSON.stringify({
  compilerOptions: {
    target: 'es2024',
    module: 'nodenext',
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
    noEmit: true,
    types: ['node'],
    typeRoots: ['node_modules/@types'],
  },
  include: ['*.mts'],
})

/** Packs it as anybody would, from what is committed, and unpacks it where its dependencies, and no other package of ours, can be found. */
function unpacked(name: string, home: string): string {
  const npm = path.join(path.dirname(process.execPath), 'npm')
  const folder = path.join(ROOT, 'packages', name)
  const command = existsSync(npm) ? npm : 'npm'
  rmSync(path.join(folder, 'dist'), { recursive: true, force: true })
  const [made] = JSON.parse(
    execFileSync(command, ['pack', '--json', '--pack-destination', home, '--foreground-scripts=false'], {
      cwd: folder,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  ) as { readonly filename: string }[]
  const target = path.join(home, 'node_modules', '@safeconduct', name)
  mkdirSync(target, { recursive: true })
  execFileSync('tar', ['xzf', path.join(home, made?.filename ?? ''), '--strip-components=1', '-C', target])
  const { dependencies = {} } = JSON.parse(readFileSync(path.join(target, 'package.json'), 'utf8')) as {
    dependencies?: Record<string, string>
  }
  for (const dependency of [...Object.keys(dependencies), '@types/node']) {
    const link = path.join(home, 'node_modules', dependency)
    mkdirSync(path.dirname(link), { recursive: true })
    symlinkSync(path.join(ROOT, 'node_modules', dependency), link)
  }
  return target
}

function run(cwd: string, command: string, args: readonly string[]): string {
  try {
    return execFileSync(command, args, { cwd, encoding: 'utf8' }).trim()
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string }
    return assert.fail(`${args.join(' ')}: ${stdout ?? ''}${stderr ?? ''}`)
  }
}
