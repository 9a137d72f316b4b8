// swift-tools-version:6.2
import Foundation  // the manifest only; no target imports it
import PackageDescription

// Layers, lowest first. Pure targets know nothing of the world; shells await it; programs start it.
// `swift build --explicit-target-dependency-import-check error` refuses an import not listed here.

let strict: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .treatAllWarnings(as: .error),
]

extension Target {
  /// Synchronous value types: no Foundation, system calls, clock, randomness, printing or `await`.
  static func pure(
    _ name: String,
    _ dependencies: [Dependency] = [],
    link: [LinkerSetting] = []
  ) -> Target {
    .target(
      name: name,
      dependencies: dependencies,
      swiftSettings: strict,
      linkerSettings: link
    )
  }

  /// The only code that awaits, opens files and reads clocks.
  static func shell(
    _ name: String,
    _ dependencies: [Dependency] = [],
    link: [LinkerSetting] = []
  ) -> Target {
    .target(
      name: name,
      dependencies: dependencies,
      swiftSettings: strict,
      linkerSettings: link
    )
  }

  /// `@main` and its subcommands.
  ///
  /// Only these carry unsafe flags, so that every library stays usable as a versioned dependency.
  static func program(_ name: String, _ dependencies: [Dependency]) -> Target {
    .executableTarget(
      name: name,
      dependencies: dependencies,
      swiftSettings: strict,
      linkerSettings: slim
    )
  }

  /// A C library of the system.
  ///
  /// Linked statically where the archive is named in `link`.
  static func system(_ name: String, apt package: String) -> Target {
    .systemLibrary(name: name, providers: [.apt([package])])
  }

  static func tests(_ module: String, _ dependencies: [Dependency]) -> Target {
    .testTarget(
      name: module + "Tests",
      dependencies: dependencies,
      swiftSettings: strict
    )
  }
}

/// What brings a program under 10 MB: see docs/PERFORMANCE.md.
let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path
let slim: [LinkerSetting] = [
  .unsafeFlags(
    [
      "-use-ld=lld", "-Xlinker", "--gc-sections", "-Xlinker", "--icf=safe",
      "-Xlinker", "--no-export-dynamic", "-Xlinker", "-z", "-Xlinker", "pack-relative-relocs",
      "-Xlinker", "-s", "-Xlinker", "-T", "-Xlinker", root + "/scripts/slim.ld",
      "-Xlinker", "--no-eh-frame-hdr",
    ],
    .when(configuration: .release)
  )
]

let package = Package(
  name: "trellis",
  products: [
    .library(name: "Curve25519", targets: ["Curve25519"]),
    .library(name: "Keccak", targets: ["Keccak"]),
    .library(name: "BulletproofsPlus", targets: ["BulletproofsPlus"]),
    .executable(name: "mesh-validator", targets: ["MeshValidatorCommand"]),
    .executable(name: "smallnano", targets: ["SmallNanoCommand"]),
    .executable(name: "mesh-wallet", targets: ["MeshWalletCommand"]),
    .executable(name: "tinychain", targets: ["TinyChainCommand"]),
    .executable(name: "trellis", targets: ["TrellisCommand"]),
  ],
  targets: [
    // System libraries and the three small C targets.
    .system("CSodium", apt: "libsodium-dev"),
    .system("CSecp256k1", apt: "libsecp256k1-dev"),
    .system("CSQLite", apt: "libsqlite3-dev"),
    .system("CNGTCP2", apt: "libngtcp2-crypto-gnutls-dev"),
    .target(name: "CLinux"),
    .target(name: "CKernels"),
    .target(name: "CMemcheck"),

    // Pure.
    .pure("Curve25519", ["CKernels"]),
    .pure("Keccak"),
    .pure("BulletproofsPlus", ["Curve25519", "Keccak", "CMemcheck"]),
    .pure("Kernel", ["CKernels", "CSodium"], link: [.linkedLibrary(":libsodium.a")]),
    // Apart from Kernel, so that whose keys are of another curve links neither this one nor its kernels.
    .pure("EdDSA", ["Kernel", "Curve25519", "CSodium"]),
    .pure("SmallNano", ["EdDSA", "Kernel", "CKernels"]),
    .pure("Secp256k1", ["Kernel", "CSecp256k1"], link: [.linkedLibrary("secp256k1")]),
    .pure("Poseidon2", ["Kernel"]),
    .pure("Mining", ["Poseidon2", "Kernel", "CKernels"]),
    .pure("TinyChain", ["Kernel", "Secp256k1", "Poseidon2"]),
    .pure("TinyChainPeers", ["TinyChain", "Kernel"]),
    .pure("BrainfuckAssembler", ["TinyChain"]),
    .pure("Mesh", ["EdDSA", "Kernel", "Curve25519", "Keccak", "BulletproofsPlus"]),
    .pure("Simulation", ["Kernel"]),
    .pure("SmallNanoSimulation", ["Simulation", "SmallNano", "EdDSA", "Kernel"]),
    .pure("MeshSimulation", ["Simulation", "Mesh", "EdDSA", "Kernel"]),
    .pure(
      "TinyChainSimulation",
      ["Simulation", "TinyChainPeers", "TinyChain", "Secp256k1", "Kernel"]
    ),

    // Shells.
    .shell("EventLoop", ["CLinux", "Kernel"]),
    .shell(
      "Storage",
      ["Kernel", "CSQLite"],
      link: [.linkedLibrary(":libsqlite3.a"), .linkedLibrary("m")]
    ),
    .shell("Transport", ["EventLoop", "CLinux", "Kernel"]),
    // Apart from Transport, so that who speaks TCP alone links neither ngtcp2 nor GnuTLS.
    .shell(
      "QUIC",
      ["Transport", "EventLoop", "Kernel", "CNGTCP2"],
      link: ["ngtcp2_crypto_gnutls", "ngtcp2", "gnutls"].map { .linkedLibrary($0) }
    ),
    .shell("Relay", ["Transport", "EventLoop", "Kernel"]),
    .shell("HTTP", ["Transport", "EventLoop", "Kernel"]),
    .shell("Service", ["EventLoop", "Kernel"]),
    .shell("Vault", ["Kernel", "Service", "CSodium"]),
    .shell(
      "SmallNanoNode",
      [
        "SmallNano", "EdDSA", "Kernel", "EventLoop", "Storage", "Transport", "HTTP", "Service",
        "Vault", "CSodium",
      ]
    ),
    .shell(
      "MeshNode",
      ["Mesh", "EdDSA", "Kernel", "EventLoop", "Storage", "Transport", "QUIC", "HTTP", "Service"]
    ),
    .shell(
      "MeshWalletNode",
      [
        "MeshNode", "Mesh", "BulletproofsPlus", "Storage", "Transport", "Service", "Vault",
        "EventLoop", "Kernel",
      ]
    ),
    .shell(
      "TinyChainNode",
      [
        "TinyChainPeers", "TinyChain", "Mining", "BrainfuckAssembler", "Secp256k1", "Kernel",
        "EventLoop", "Storage", "Transport", "HTTP", "Service", "Vault",
      ]
    ),

    // Programs.
    .program(
      "SmallNanoCommand",
      [
        "SmallNanoNode", "SmallNano", "Service", "Vault", "HTTP", "EventLoop", "EdDSA", "Kernel",
        "Curve25519",
      ]
    ),
    .program(
      "MeshWalletCommand",
      ["MeshWalletNode", "Mesh", "Service", "Vault", "EventLoop", "Kernel", "Curve25519"]
    ),
    .program(
      "MeshValidatorCommand",
      ["MeshNode", "Mesh", "Service", "HTTP", "EventLoop", "EdDSA", "Kernel", "Curve25519"]
    ),
    .program(
      "TinyChainCommand",
      [
        "TinyChainNode", "TinyChain", "Mining", "BrainfuckAssembler", "Secp256k1", "Service",
        "Vault",
        "HTTP", "EventLoop", "Kernel",
      ]
    ),
    .program(
      "TrellisCommand",
      [
        "SmallNano", "SmallNanoNode", "SmallNanoSimulation", "Mesh", "MeshNode", "MeshWalletNode",
        "MeshSimulation", "TinyChain", "TinyChainPeers", "TinyChainSimulation", "TinyChainNode",
        "BrainfuckAssembler", "Mining", "Poseidon2", "Vault",
        "Simulation", "Storage", "Service", "HTTP", "Transport", "Relay", "EventLoop", "EdDSA",
        "Kernel", "Curve25519", "Keccak", "BulletproofsPlus", "Secp256k1", "CSodium", "CSecp256k1",
      ]
    ),
    // Not slim, as what valgrind reports is to be found by its symbols; but valgrind 3.19 stumbles over
    // debugging information as Swift writes it.
    .executableTarget(
      name: "ConstantTimeCommand",
      dependencies: ["BulletproofsPlus", "Curve25519", "Keccak", "Kernel", "CMemcheck"],
      swiftSettings: strict,
      linkerSettings: [.unsafeFlags(["-Xlinker", "--strip-debug"])]
    ),

    // For tests of several targets.
    .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: strict),

    // Tests. None depends on a program: EndToEndTests start the built ones as processes.
    .tests("Curve25519", ["Curve25519"]),
    .tests("Keccak", ["Keccak"]),
    .tests("BulletproofsPlus", ["BulletproofsPlus", "Curve25519", "Keccak"]),
    .tests("Kernel", ["Kernel"]),
    .tests("EdDSA", ["EdDSA", "Kernel", "Curve25519", "CSodium"]),
    .tests("SmallNano", ["SmallNano", "EdDSA", "Kernel"]),
    .tests("Secp256k1", ["Secp256k1", "Kernel"]),
    .tests("Poseidon2", ["Poseidon2", "Kernel"]),
    .tests("Mining", ["Mining", "Poseidon2", "Kernel"]),
    .tests("TinyChain", ["TinyChain", "BrainfuckAssembler", "Secp256k1", "Kernel"]),
    .tests("TinyChainPeers", ["TinyChainPeers", "TinyChain", "Secp256k1", "Kernel"]),
    .tests(
      "TinyChainSimulation",
      ["TinyChainSimulation", "Simulation", "TinyChainPeers", "TinyChain", "Kernel"]
    ),
    .tests("BrainfuckAssembler", ["BrainfuckAssembler", "TinyChain", "Kernel"]),
    .tests("Mesh", ["Mesh", "EdDSA", "Kernel", "Curve25519", "Keccak", "BulletproofsPlus"]),
    .tests("Simulation", ["Simulation", "SmallNanoSimulation", "SmallNano", "Kernel"]),
    .tests("MeshSimulation", ["MeshSimulation", "Simulation", "Mesh", "Kernel"]),
    .tests("EventLoop", ["EventLoop", "Kernel"]),
    .tests("Storage", ["Storage", "Kernel", "TestSupport"]),
    .tests("Transport", ["Transport", "EventLoop", "Kernel", "TestSupport"]),
    .tests("Relay", ["Relay", "Transport", "EventLoop", "Kernel"]),
    .tests("QUIC", ["QUIC", "Relay", "Transport", "EventLoop", "Kernel", "TestSupport"]),
    .tests("HTTP", ["HTTP", "Transport", "EventLoop", "Kernel", "TestSupport"]),
    .tests("Service", ["Service", "EventLoop", "Kernel"]),
    .tests("Vault", ["Vault", "Kernel"]),
    .tests(
      "SmallNanoNode",
      [
        "SmallNanoNode", "SmallNano", "Storage", "Transport", "HTTP", "Service", "Vault",
        "EventLoop", "EdDSA", "Kernel", "TestSupport",
      ]
    ),
    .tests(
      "MeshNode",
      [
        "MeshNode", "Mesh", "QUIC", "Storage", "Transport", "HTTP", "Service", "EventLoop",
        "EdDSA", "Kernel", "TestSupport",
      ]
    ),
    .tests(
      "MeshWalletNode",
      [
        "MeshWalletNode", "MeshNode", "Mesh", "BulletproofsPlus", "Storage", "Service", "Vault",
        "EventLoop", "EdDSA", "Kernel", "TestSupport",
      ]
    ),
    .tests(
      "TinyChainNode",
      [
        "TinyChainNode", "TinyChainPeers", "TinyChain", "Mining", "BrainfuckAssembler", "Secp256k1",
        "Storage",
        "Transport", "HTTP", "Service", "Vault", "EventLoop", "Kernel",
      ]
    ),
    .tests(
      "EndToEnd",
      ["HTTP", "EventLoop", "Kernel", "Service", "Vault", "SmallNano", "Mesh", "MeshNode"]
    ),
    .tests("Tidy", []),
  ],
  swiftLanguageModes: [.v6]
)
