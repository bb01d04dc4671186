// Waiting for a server that does not answer.

/**
 * Ask again and again until the server answers well; a request that cannot be sent is no answer yet.
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
