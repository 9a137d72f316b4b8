import CMemcheck

/// A value that was made from secrets and is public all the same: a point that leaves in a proof, or
/// that a nonce is not zero.
///
/// The same value. It tells memcheck, where the prover runs under it with its secrets marked, that
/// branches on this value are meant (docs/TESTING.md, "Constant time"); elsewhere it does nothing.
@inline(__always)
func disclosed<Value: BitwiseCopyable>(_ value: Value) -> Value {
  var value = value
  // As what may change, so that it is read again afterwards: copies in registers are still marked.
  withUnsafeMutableBytes(of: &value) { trellis_memcheck_reveal($0.baseAddress, $0.count) }
  return value
}
