import Curve25519

/// Printed, interpolated, dumped or shown by a debugger, an opening says that it is one and no more.
extension Opening: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  public var description: String { "Opening(hidden)" }

  public var debugDescription: String { description }

  public var customMirror: Mirror { Mirror(self, children: [], displayStyle: .struct) }
}

extension [UInt8] {
  /// u64 value ‖ blinding of each, little-endian: in the array's own place and nowhere else.
  init(witnessOf openings: [Opening]) {
    self.init(unsafeUninitializedCapacity: 40 * openings.count) { bytes, count in
      for opening in openings {
        func append(_ word: UInt64) {
          for shift in stride(from: UInt64(0), to: 64, by: 8) {
            bytes[count] = UInt8(truncatingIfNeeded: word &>> shift)
            count += 1
          }
        }
        let words = opening.blinding.encoding.words
        append(opening.value)
        append(words.0)
        append(words.1)
        append(words.2)
        append(words.3)
      }
    }
  }

  /// Overwrites what was secret.
  ///
  /// Never inlined, so that the compiler does not see that nobody reads the zeros.
  @inline(never)
  mutating func wipe() {
    for index in indices { self[index] = 0 }
  }
}

extension [Scalar] {
  /// Overwrites what was secret.
  @inline(never)
  mutating func wipe() {
    for index in indices { self[index] = .zero }
  }
}

extension [RistrettoPoint.Term] {
  /// Overwrites secret scalars.
  @inline(never)
  mutating func wipe() {
    for index in indices { self[index].scalar = .zero }
  }
}
