// Formats and applies safe lint fixes to the whole tree.
import { spawnSync } from 'node:child_process'
import path from 'node:path'

const root = path.resolve(import.meta.dirname, '..')
const biome = path.join(root, 'node_modules', '.bin', 'biome')
process.exit(spawnSync(biome, ['check', '--write', '.'], { cwd: root, stdio: 'inherit' }).status ?? 1)
