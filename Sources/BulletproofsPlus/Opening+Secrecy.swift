/// Printed, interpolated, dumped or shown by a debugger, an opening says that it is one and no more.
extension Opening: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  public var description: String { "Opening(hidden)" }

  public var debugDescription: String { description }

  public var customMirror: Mirror { Mirror(self, children: [], displayStyle: .struct) }
}

extension [UInt8] {
  /// Overwrites what was secret.
  ///
  /// Never inlined, so that the compiler does not see that nobody reads the zeros.
  @inline(never)
  mutating func wipe() {
    for index in indices { self[index] = 0 }
  }
}
