import Kernel
public import TinyChain

/// A copy of somebody's repository that holds one line: bare, so that nothing in it is ever written
/// out to files.
public final class GitRepository {
  private let git: GitCommand
  private let url: String
  /// The branch that is the chain; nil for the one the repository names itself.
  private let branch: String?
  private var reader: GitObjectReader?

  static let reference = "refs/heads/chain"
  /// Commits of a line.
  static let commitsMax = 10_000_000
  /// Directories inside one another.
  private static let depthMax = 64
  /// Files that one commit may change under txs/.
  private static let filesMax = 100_000

  /// A commit of the line.
  public struct Commit: Hashable, Sendable {
    /// 40 or 64 hexadecimal digits.
    public let name: String
    /// Nil if it was not read yet.
    let tree: String?

    /// By its name alone, as a store keeps it.
    init(name: String, tree: String? = nil) {
      (self.name, self.tree) = (name, tree)
    }
  }

  /// Makes the copy in a directory, or takes up the one that is there.
  ///
  /// A URL or branch that git could take for an option is refused.
  public init(url: String, branch: String?, directory: String) throws(GitFailure) {
    guard !url.isEmpty, !url.hasPrefix("-"), !url.contains("\n") else {
      throw GitFailure("\(url) is no URL of a repository")
    }
    if let branch { try Self.check(branch) }
    (self.url, self.branch) = (url, branch)
    git = GitCommand(directory: directory)
    try git.run(["init", "--bare", "--quiet"])
  }

  private static func check(_ branch: String) throws(GitFailure) {
    let isPlain = branch.utf8.allSatisfy { byte in
      switch byte {
      case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x2f, 0x5f: true
      default: false
      }
    }
    let hasDots = zip(branch.utf8, branch.utf8.dropFirst()).contains { $0 == 0x2e && $1 == 0x2e }
    guard isPlain, !branch.isEmpty, !branch.hasPrefix("-"), !hasDots else {
      throw GitFailure("\(branch) is no name of a branch")
    }
  }

  /// Brings in what the repository has now, force-pushes included.
  public func fetch() throws(GitFailure) {
    let source = branch.map { "refs/heads/\($0)" } ?? "HEAD"
    do throws(GitFailure) {
      try git.run([
        "fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head",
        "--update-head-ok", "--end-of-options", url, "+\(source):\(Self.reference)",
      ])
    } catch {
      // In a repository without commits, HEAD names a branch that is not there yet.
      guard branch == nil, try git.run(["ls-remote", "--end-of-options", url]).isEmpty else {
        throw error
      }
      try git.run(["update-ref", "-d", Self.reference])
    }
  }

  // MARK: The line

  private func objects() throws(GitFailure) -> GitObjectReader {
    if let reader { return reader }
    let made = try GitObjectReader(git.directory)
    reader = made
    return made
  }

  /// The line of first parents, from its root on; empty if nothing was fetched.
  ///
  /// `known` is a line that was seen before: of what both have in common nothing is read again.
  public func line(known: [Commit] = []) throws(GitFailure) -> [Commit] {
    let places = Dictionary(known.enumerated().map { ($1.name, $0) }) { first, _ in first }
    guard let tip = try objects().info(Self.reference) else { return [] }
    var name: String? = tip.object
    var newer: [Commit] = []
    while let current = name {
      if let place = places[current] { return Array(known[...place]) + newer.reversed() }
      guard newer.count < Self.commitsMax else { throw GitFailure("the line has too many commits") }
      let commit = try objects().commit(current)
      newer.append(Commit(name: current, tree: commit.tree))
      name = commit.firstParent
    }
    return newer.reversed()
  }

  // MARK: Files

  /// What a commit does under txs/ against its parent.
  ///
  /// - Returns: files for the sequencer to judge, and names that it is not even shown.
  public func files(
    of commit: Commit,
    after parent: Commit?
  ) throws(GitFailure) -> (files: [GitSequencer.File], refused: [(path: [UInt8], reason: String)]) {
    var changes = Changes()
    let folder = Array("txs".utf8)
    let now = try entry(folder, of: commit)
    let before = try parent.flatMap { parent throws(GitFailure) in try entry(folder, of: parent) }
    if let now, !now.isTree {
      changes.refused.append((folder, "txs is no directory"))
    } else if now?.object != before?.object {
      try compare(
        now?.object,
        before.flatMap { $0.isTree ? $0.object : nil },
        path: folder,
        depth: 1,
        &changes
      )
    }
    var files: [GitSequencer.File] = []
    for change in changes.files {
      let isRead = change.isAdded && change.mode == 0o100644
      files.append(
        GitSequencer.File(
          path: change.path,
          isAdded: change.isAdded,
          mode: change.mode,
          content: isRead ? try objects().blob(change.object, max: GitSequencer.fileMax) : nil
        )
      )
    }
    return (files, changes.refused)
  }

  private struct Changes {
    var files: [(path: [UInt8], isAdded: Bool, mode: UInt32, object: String)] = []
    var refused: [(path: [UInt8], reason: String)] = []
  }

  private func entry(_ name: [UInt8], of commit: Commit) throws(GitFailure) -> GitTree.Entry? {
    let tree = if let tree = commit.tree { tree } else { try objects().commit(commit.name).tree }
    return try objects().tree(tree).entries.first { $0.name == name }
  }

  /// Walks two directories side by side, into those that differ.
  private func compare(
    _ now: String?,
    _ before: String?,
    path: [UInt8],
    depth: Int,
    _ changes: inout Changes
  ) throws(GitFailure) {
    let new = try now.map { name throws(GitFailure) in try objects().tree(name).entries } ?? []
    let old = try before.map { name throws(GitFailure) in try objects().tree(name).entries } ?? []
    let oldByName = Dictionary(old.map { ($0.name, $0) }) { first, _ in first }
    var seen: Set<[UInt8]> = []
    for entry in new {
      let path = path + [0x2f] + entry.name
      let isFirst = seen.insert(entry.name).inserted
      let old = oldByName[entry.name]
      guard old?.object != entry.object || old?.mode != entry.mode else { continue }
      guard isFirst, !GitTree.isHostile(entry.name) else {
        changes.refused.append((path, "its name is hostile"))
        continue
      }
      if entry.isTree {
        guard depth < Self.depthMax else {
          changes.refused.append((path, "directories inside one another without end"))
          continue
        }
        let oldTree = old.flatMap { $0.isTree ? $0.object : nil }
        try compare(entry.object, oldTree, path: path, depth: depth + 1, &changes)
      } else {
        let isAdded = old == nil || old?.isTree == true
        changes.files.append((path, isAdded, entry.mode, entry.object))
      }
      guard changes.files.count + changes.refused.count <= Self.filesMax else {
        throw GitFailure("a commit changes more than \(Self.filesMax) files under txs/")
      }
    }
    for entry in old where !seen.contains(entry.name) && !GitTree.isHostile(entry.name) {
      changes.files.append((path + [0x2f] + entry.name, false, entry.mode, entry.object))
    }
  }

  // MARK: Proposing

  /// Adds a file to the line, as a commit upon its tip, and pushes it.
  ///
  /// - Returns: the commit's name.
  public func propose(
    _ content: [UInt8],
    as path: String,
    message: String
  ) throws(GitFailure) -> String {
    precondition(path.hasPrefix("txs/"))
    let object = try git.line(["hash-object", "-w", "--stdin"], input: content)
    let index = ["GIT_INDEX_FILE": git.directory + "/index.new"]
    let tip = try objects().info(Self.reference)?.object
    try git.run(tip.map { ["read-tree", $0] } ?? ["read-tree", "--empty"], environment: index)
    try git.run(
      ["update-index", "--add", "--cacheinfo", "100644,\(object),\(path)"],
      environment: index
    )
    let tree = try git.line(["write-tree"], environment: index)
    let who = [
      "GIT_AUTHOR_NAME": "tinychain", "GIT_AUTHOR_EMAIL": "tinychain@localhost",
      "GIT_COMMITTER_NAME": "tinychain", "GIT_COMMITTER_EMAIL": "tinychain@localhost",
    ]
    let commit = try git.line(
      ["commit-tree", tree, "-m", message] + (tip.map { ["-p", $0] } ?? []),
      environment: who
    )
    let target = if let branch { branch } else { try headBranch() }
    try git.run(["push", "--quiet", "--end-of-options", url, "\(commit):refs/heads/\(target)"])
    return commit
  }

  /// The branch that the repository's HEAD names.
  private func headBranch() throws(GitFailure) -> String {
    let text = try git.run(["ls-remote", "--symref", "--end-of-options", url, "HEAD"])
    let prefix = "ref: refs/heads/"
    guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix(prefix) }),
      let name = line.dropFirst(prefix.count).split(separator: "\t").first
    else { return "main" }  // an empty repository
    try Self.check(String(name))
    return String(name)
  }
}
