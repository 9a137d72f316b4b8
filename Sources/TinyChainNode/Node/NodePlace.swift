import EventLoop
import Glibc
import HTTP
public import Kernel
public import Service

/// Where a node lives: a directory and a port of its own.
///
/// The same command twice is two nodes. Whoever named neither directory nor port finds the standard
/// ones taken by the first, and moves to the next free ones; the first is then its peer.
public struct NodePlace: Sendable {
  /// Held as long as the node lives.
  public let directory: DataDirectory
  /// Directories that other nodes hold, from the standard one on.
  public let taken: [String]

  /// Nodes of one user on one machine, at the standard places.
  public static let placesMax = 32

  /// Takes a directory.
  ///
  /// - Parameters:
  ///   - path: of the directory, or of the first of many.
  ///   - isFixed: whether somebody named it, so that it is this one or none.
  /// - Throws: `FileFailure`, which names the process that holds the directory.
  public init(_ path: String, isFixed: Bool) throws {
    var taken: [String] = []
    while true {
      let candidate = taken.isEmpty ? path : "\(path)-\(taken.count + 1)"
      do {
        directory = try DataDirectory(candidate)
        self.taken = taken
        return
      } catch {
        guard !isFixed, error.isHeld, taken.count + 1 < Self.placesMax else { throw error }
        taken.append(candidate)
      }
    }
  }

  /// The nodes that hold the directories before this one, where they say that they listen.
  public var neighbours: [SocketAddress] {
    taken.compactMap { directory in
      // It may just be starting, and has not said yet.
      let bytes = (try? PrivateFile.read(directory + "/ports.json", bytesMax: 4_096)) ?? []
      let port: UInt16? = (try? JSON(parsing: bytes))?["api_port"]?.integer()
      return port.map { SocketAddress(.loopbackV4, port: $0) }
    }
  }
}
