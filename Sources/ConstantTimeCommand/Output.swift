import CMemcheck

/// Keeps a result from being optimised away.
func consume<Value>(_ value: Value) {
  withUnsafeBytes(of: value) { trellis_memcheck_consume($0.baseAddress) }
}

/// One decimal.
func decimal(_ value: Double) -> String {
  let tenths = Int((value * 10).rounded())
  return "\(tenths / 10).\(tenths % 10)"
}
