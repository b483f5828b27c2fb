// Makes a clean clone runnable: installs what is missing, then re-executes the given program on Node >= 24.12.
// Must stay valid on Node 20 and use built-ins only; it is the one file that runs before anything is installed.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')
const at = (...parts) => path.join(root, ...parts)

/** The lockfile's hash stamps an install: a changed lockfile reinstalls, an unchanged one costs one read. */
function install() {
  const want = createHash('sha256')
    .update(readFileSync(at('package-lock.json')))
    .digest('hex')
  const stamp = at('node_modules', '.installed')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === want) return
  process.stderr.write('safeconduct: installing dependencies (first run, about a minute)…\n')
  const args = ['ci', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error']
  const npm = process.env.npm_execpath
  const result = npm
    ? spawnSync(process.execPath, [npm, ...args], { cwd: root, stdio: ['ignore', 2, 2] })
    : spawnSync('npm', args, { cwd: root, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' })
  if (result.status !== 0) {
    process.stderr.write('safeconduct: npm ci failed; is the npm registry reachable?\n')
    process.exit(result.status ?? 1)
  }
  writeFileSync(stamp, want)
}

/** Own Node when it is new enough, else the one that npm installed as an optional dependency. */
function runtime() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major > 24 || (major === 24 && minor >= 12)) return process.execPath
  const packaged = `node-${process.platform}-${process.arch}`
  try {
    const manifest = createRequire(at('package.json')).resolve(`${packaged}/package.json`)
    const exe = path.join(path.dirname(manifest), 'bin', 'node')
    if (existsSync(exe)) return exe
  } catch {
    // Not published for this platform, or skipped as optional: told below.
  }
  process.stderr.write(
    `safeconduct: Node >= 24.12 is needed; this is ${process.version} and ${packaged} is not installed.\n` +
      'Install Node 24 (https://nodejs.org) and try again.\n',
  )
  return process.exit(1)
}

install()
const exe = runtime()
const [program, ...rest] = process.argv.slice(2)
const child = spawn(exe, ['--conditions=safeconduct-src', at(program ?? ''), ...rest], {
  stdio: 'inherit',
  env: {
    // Stripping types and compiling is half of a warm start; what has not changed is kept beside the install.
    NODE_COMPILE_CACHE: at('node_modules', '.cache', 'compile'),
    ...process.env,
    PATH: `${path.dirname(exe)}${path.delimiter}${process.env.PATH ?? ''}`,
  },
})
// A signal sent to this process alone must reach the program; the program decides how to end.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
// npm hands a signal to its shell, and the shell dies of it without telling us: being left alone is the signal then.
if (process.env.npm_lifecycle_event !== undefined) {
  const parent = process.ppid
  const watch = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(watch)
    child.kill('SIGTERM')
  }, 250)
  watch.unref()
}
child.on('error', (error) => {
  process.stderr.write(`safeconduct: could not start ${exe}: ${error.message}\n`)
  process.exit(1)
})
child.on('exit', (code, signal) => {
  if (signal === null) process.exit(code ?? 1)
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
})
