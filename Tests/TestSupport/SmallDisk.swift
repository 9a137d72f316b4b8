import Glibc

/// A filesystem of its own in memory, so small that it is soon full.
///
/// To mount one takes root: tests that need it are skipped where `isPossible` is false.
public final class SmallDisk: Sendable {
  private let place: TemporaryDirectory

  public var path: String { place.path }

  public static let isPossible: Bool = {
    let place = TemporaryDirectory()
    guard mount("tmpfs", place.path, "tmpfs", 0, "size=64k") == 0 else { return false }
    umount(place.path)
    return true
  }()

  public init(bytes: Int) {
    place = TemporaryDirectory()
    let status = mount("tmpfs", place.path, "tmpfs", 0, "size=\(bytes)")
    precondition(status == 0, "ask `isPossible` before")
  }

  deinit {
    // Also while files are open: those who hold them keep it until they let go.
    umount2(place.path, Int32(MNT_DETACH))
  }

  private var ballast: String { place.file("ballast") }

  /// Takes all that is free, to the last byte.
  public func fill() {
    let file = open(ballast, O_WRONLY | O_CREAT | O_APPEND, 0o600)
    precondition(file >= 0)
    for size in [1 << 12, 1] {
      let block = [UInt8](repeating: 0, count: size)
      while write(file, block, size) == size {}
    }
    close(file)
  }

  /// Gives back what `fill` took.
  public func free() {
    unlink(ballast)
  }
}
