/**
 * Listening on a free loopback port, and closing for good.
 * @module
 */
import type { Server } from 'node:http'

/** Resolves to the origin, `http://127.0.0.1:PORT`. */
export function listenOnLoopback(server: Server): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      server.off('error', reject)
      const address = server.address()
      if (address === null || typeof address === 'string') reject(new Error('not listening on a port'))
      else resolve(`http://127.0.0.1:${address.port}`)
    })
  })
}

/** Stops listening and cuts open connections, streams included. */
export function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
