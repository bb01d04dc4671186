// Waiting for a server that does not answer.

/**
 * Repeat a request until the server answers with success; a request that cannot be sent is repeated too.
 *
 * @param {() => Promise<{ ok: boolean }>} ask
 * @param {number} milliseconds
 * @param {() => void} back
 */
export function whenAnswered(ask, milliseconds, back) {
  const again = async () => {
    try {
      const answer = await ask()
      if (answer.ok) return back()
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
    }
    setTimeout(again, milliseconds)
  }
  setTimeout(again, milliseconds)
}
