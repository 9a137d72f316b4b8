import CNGTCP2

extension ngtcp2_callbacks {
  /// Cryptography goes to the library's helper, news to `Engine.note`.
  init(asServer isServer: Bool) {
    self.init()
    if isServer {
      recv_client_initial = ngtcp2_crypto_recv_client_initial_cb
    } else {
      client_initial = ngtcp2_crypto_client_initial_cb
      recv_retry = ngtcp2_crypto_recv_retry_cb
    }
    recv_crypto_data = ngtcp2_crypto_recv_crypto_data_cb
    encrypt = ngtcp2_crypto_encrypt_cb
    decrypt = ngtcp2_crypto_decrypt_cb
    hp_mask = ngtcp2_crypto_hp_mask_cb
    update_key = ngtcp2_crypto_update_key_cb
    delete_crypto_aead_ctx = ngtcp2_crypto_delete_crypto_aead_ctx_cb
    delete_crypto_cipher_ctx = ngtcp2_crypto_delete_crypto_cipher_ctx_cb
    get_path_challenge_data = ngtcp2_crypto_get_path_challenge_data_cb
    version_negotiation = ngtcp2_crypto_version_negotiation_cb
    noteNames()
    noteStreams()
  }

  private mutating func noteNames() {
    rand = { bytes, count, _ in Randomness.fill(.init(start: bytes, count: count)) }
    get_new_connection_id = { _, id, token, size, engine in
      guard let id, let token else { return NGTCP2_ERR_CALLBACK_FAILURE }
      id.pointee = Engine.from(engine).makeName(size: size, token: token)
      return 0
    }
    remove_connection_id = { _, id, engine in
      if let id { Engine.from(engine).note(.unnamed(ConnectionID(id.pointee))) }
      return 0
    }
    dcid_status = { _, type, _, _, token, engine in
      guard let token, let token = ResetToken(endOf: .init(start: token, count: ResetToken.size))
      else { return 0 }
      let isActive = type == NGTCP2_CONNECTION_ID_STATUS_TYPE_ACTIVATE.rawValue
      Engine.from(engine).note(.resetToken(token, isActive: isActive))
      return 0
    }
    recv_stateless_reset = { _, _, engine in
      Engine.from(engine).note(.statelessReset)
      return 0
    }
    handshake_completed = { _, engine in
      Engine.from(engine).note(.handshakeCompleted)
      return 0
    }
  }

  private mutating func noteStreams() {
    stream_open = { _, stream, engine in
      Engine.from(engine).note(.streamOpened(stream))
      return 0
    }
    recv_stream_data = { _, flags, stream, _, bytes, count, engine, _ in
      let bytes = UnsafeBufferPointer(start: bytes, count: count)
      let isLast = flags & NGTCP2_STREAM_DATA_FLAG_FIN != 0
      Engine.from(engine).note(.received(stream, Array(bytes), isLast: isLast))
      return 0
    }
    acked_stream_data_offset = { _, stream, offset, count, engine, _ in
      Engine.from(engine).note(.acknowledged(stream, upTo: offset + count))
      return 0
    }
    stream_reset = { _, stream, _, code, engine, _ in
      Engine.from(engine).note(.streamAborted(stream, code: code))
      return 0
    }
    stream_stop_sending = { _, stream, code, engine, _ in
      Engine.from(engine).note(.streamAborted(stream, code: code))
      return 0
    }
    stream_close = { _, _, stream, _, engine, _ in
      Engine.from(engine).note(.streamClosed(stream))
      return 0
    }
    extend_max_local_streams_bidi = { _, _, engine in
      Engine.from(engine).note(.mayOpenStreams)
      return 0
    }
    extend_max_stream_data = { _, stream, _, engine, _ in
      Engine.from(engine).note(.mayWrite(stream))
      return 0
    }
  }
}
