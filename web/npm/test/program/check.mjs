// What the programs of the tests check with: a browser and a worker have no `node:assert`.
export function equal(actual, expected) {
  if (!Object.is(actual, expected)) throw new Error(`${String(actual)} instead of ${String(expected)}`)
}

export function throws(code, action) {
  try {
    action()
  } catch (error) {
    isError(code, error)
    return
  }
  throw new Error(`${code} was not thrown`)
}

export async function rejects(code, promise) {
  try {
    await promise
  } catch (error) {
    isError(code, error)
    return
  }
  throw new Error(`${code} was not thrown`)
}

function isError(code, error) {
  equal(error instanceof Error && error.code, code)
  equal(error instanceof TypeError, code === 'ARGUMENT' || code === 'FREED')
}

/** An exception of the program's own code, `RangeError('late')`, is passed on. */
export function passesOn(action) {
  try {
    action()
  } catch (error) {
    equal(error instanceof RangeError && error.message, 'late')
    return
  }
  throw new Error('nothing was thrown')
}

export function late() {
  throw new RangeError('late')
}
