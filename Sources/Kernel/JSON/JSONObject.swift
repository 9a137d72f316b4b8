extension JSON {
  /// Members in the order read or written, no two with one key.
  public struct Object: Equatable, Sendable {
    public struct Member: Equatable, Sendable {
      public let key: String
      public fileprivate(set) var value: JSON

      public static func == (a: Self, b: Self) -> Bool {
        a.key.hasSameCodeUnits(as: b.key) && a.value == b.value
      }
    }

    public private(set) var members: [Member] = []

    public init() {}

    /// Nil if two members have one key.
    ///
    /// Linear on average, so that a hostile object costs no more to refuse than to read.
    init?(unique members: [Member]) {
      if members.count <= Self.comparedPairwiseMax {
        for (index, member) in members.enumerated() {
          for other in members[..<index] where other.key.hasSameCodeUnits(as: member.key) {
            return nil
          }
        }
      } else {
        var seen = Set<ObjectKey>(minimumCapacity: members.count)
        for member in members {
          guard seen.insert(ObjectKey(text: member.key)).inserted else { return nil }
        }
      }
      self.members = members
    }

    /// Up to this many members are compared each with each: no set, no allocation.
    private static let comparedPairwiseMax = 12

    /// The value of a key; setting nil removes the member, setting a new key appends it.
    ///
    /// Linear in the number of members: read an object of thousands by iterating `members`.
    public subscript(key: String) -> JSON? {
      get {
        guard let index = index(of: key) else { return nil }
        return members[index].value
      }
      set {
        switch (index(of: key), newValue) {
        case (let index?, let value?): members[index].value = value
        case (let index?, nil): members.remove(at: index)
        case (nil, let value?): members.append(Member(key: key, value: value))
        case (nil, nil): break
        }
      }
    }

    private func index(of key: String) -> Int? {
      members.firstIndex { $0.key.hasSameCodeUnits(as: key) }
    }
  }
}

extension JSON.Object.Member {
  init(_ key: String, _ value: JSON) {
    self.init(key: key, value: value)
  }
}

/// A key hashed and compared by its code units.
private struct ObjectKey: Hashable {
  let text: String

  static func == (a: Self, b: Self) -> Bool { a.text.hasSameCodeUnits(as: b.text) }

  func hash(into hasher: inout Hasher) {
    var text = text
    text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
  }
}
