/// A value whose stateless checks (signature, work, proof) have passed.
///
/// Only a checker makes one: the initialiser is `package`, and each system has one file that
/// calls it. Whoever holds a `Verified` value needs not check again, and cannot have forgotten to.
public struct Verified<Value: Sendable>: Sendable {
  public let value: Value

  /// For checkers only.
  ///
  /// Say at the call which check has passed.
  package init(checked value: Value) {
    self.value = value
  }
}

extension Verified: Equatable where Value: Equatable {}
extension Verified: Hashable where Value: Hashable {}
