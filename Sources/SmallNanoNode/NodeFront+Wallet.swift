import EventLoop
import HTTP
import Kernel
import Service

extension NodeFront {
  /// The wallet and the RPC, as `smallnano node run` serves them.
  public static let standard: Make = { access, configuration, loop in
    var options = Wallet.Options(path: "\(access.dataDirectory)/wallet")
    options.votes = configuration.enableVoting
    options.receivesAutomatically = configuration.autoReceive
    options.workThreads = configuration.workThreads
    let wallet = try Wallet(access: access, on: loop, options: options)
    var service = RPCService.Options()
    service.workThreads = configuration.workThreads
    let host = "\(configuration.rpc.ip)"
    service.hosts = [host]
    let rpc = try RPCService(access: access, wallet: wallet, on: loop, options: service)
    await wallet.start()
    return NodeFront(
      handler: rpc.handler,
      didBind: { rpc.didBind(port: $0) },
      stop: { await wallet.stop() }
    )
  }
}
