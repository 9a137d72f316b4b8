extension Database {
  /// Brings the schema to the newest version that the program knows.
  ///
  /// Each script takes it one version further, in a transaction of its own; the version stands in
  /// the table `meta` under `schema_version`. A script, once released, is never edited.
  ///
  /// - Throws: `StorageFailure` with `.newerSchema` if a later program wrote the file, and
  ///   `.foreign` if it holds tables but no `meta`.
  public func migrate(by scripts: [String]) throws {
    let found = try schemaVersion(known: Int64(scripts.count))
    for (index, script) in scripts.enumerated().dropFirst(Int(found)) {
      try transaction {
        if index == 0 {
          try execute(
            "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID"
          )
        }
        try execute(script)
        try setSchemaVersion(Int64(index + 1))
      }
    }
  }

  /// Refuses a schema that the program does not know exactly: what a reader does, that cannot
  /// migrate.
  public func requireSchema(version: Int) throws {
    let found = try schemaVersion(known: Int64(version))
    guard found == Int64(version) else {
      let what = "its schema is version \(found), and a reader cannot bring it to \(version)"
      throw StorageFailure(path: path, problem: .foreign(what))
    }
  }

  private func schemaVersion(known: Int64) throws -> Int64 {
    let names = try statement("SELECT name FROM sqlite_schema WHERE type = 'table'").all {
      $0.text(0)
    }
    guard names.contains("meta") else {
      guard names.isEmpty else {
        throw StorageFailure(path: path, problem: .foreign("this is another program's database"))
      }
      return 0
    }
    let version = try meta("schema_version") { $0.integer(0) } ?? 0
    guard version >= 1 else { throw damaged("meta holds no schema version") }
    guard version <= known else {
      throw StorageFailure(path: path, problem: .newerSchema(found: version, known: known))
    }
    return version
  }

  private func setSchemaVersion(_ version: Int64) throws {
    try statement("INSERT OR REPLACE INTO meta (name, value) VALUES ('schema_version', ?)").run {
      $0.bind(version)
    }
  }

  /// A value that the program keeps under a name.
  public func meta<Result>(
    _ name: String,
    read: (Statement.Row) throws -> Result
  ) throws -> Result? {
    try statement("SELECT value FROM meta WHERE name = ?").first({ $0.bind(name) }, read: read)
  }

  public func setMeta(_ name: String, to value: [UInt8]) throws {
    try statement("INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)").run {
      $0.bind(name)
      $0.bind(value)
    }
  }
}
