import { dlopen, FFIType, type Pointer, ptr } from "bun:ffi";

/** Signs SHA-256 digests with one RSA key, as PKCS #1 v1.5 has it (RFC 8017 §8.2). */
export type RsaSigner = { sign(digest: Uint8Array): Buffer; free(): void };

export type OpenSsl = {
  /** `privateKey` is PKCS#8 PEM. Throws when OpenSSL can't read it. */
  rsaSigner(privateKey: string): RsaSigner;
};

const { i32, i64, u64, pointer } = FFIType;
const symbols = {
  OPENSSL_init_crypto: { args: [u64, pointer], returns: i32 },
  BIO_new_mem_buf: { args: [pointer, i32], returns: pointer },
  BIO_free: { args: [pointer], returns: i32 },
  PEM_read_bio_PrivateKey: { args: [pointer, pointer, pointer, pointer], returns: pointer },
  EVP_PKEY_free: { args: [pointer], returns: FFIType.void },
  EVP_PKEY_CTX_new: { args: [pointer, pointer], returns: pointer },
  EVP_PKEY_CTX_free: { args: [pointer], returns: FFIType.void },
  EVP_PKEY_sign_init: { args: [pointer], returns: i32 },
  EVP_PKEY_CTX_set_rsa_padding: { args: [pointer, i32], returns: i32 },
  EVP_PKEY_CTX_set_signature_md: { args: [pointer, pointer], returns: i32 },
  EVP_PKEY_sign: { args: [pointer, pointer, pointer, pointer, i64], returns: i32 },
  EVP_sha256: { args: [], returns: pointer },
  ERR_clear_error: { args: [], returns: FFIType.void },
} as const;

// The process may end while a worker signs; OpenSSL's own clean-up at exit would pull the ground from under it.
const initNoAtExit = 0x00080000;
const pkcs1Padding = 1;

/**
 * The system's OpenSSL 3, where there is one. Its RSA takes less than half the time of the runtime's BoringSSL on
 * processors with AVX-512, and RSA is the largest cost of a message. Undefined on systems without it.
 */
export function openOpenSsl(name = "libcrypto.so.3"): OpenSsl | undefined {
  if (process.platform !== "linux") return undefined;
  try {
    const { symbols: lib } = dlopen(name, symbols);
    if (lib.OPENSSL_init_crypto(initNoAtExit, null) !== 1) return undefined;
    return { rsaSigner: (privateKey) => rsaSigner(lib, privateKey) };
  } catch {
    return undefined; // not installed, or without one of the functions
  }
}

type Library = ReturnType<typeof dlopen<typeof symbols>>["symbols"];

function rsaSigner(lib: Library, privateKey: string): RsaSigner {
  const key = readKey(lib, privateKey);
  const context = lib.EVP_PKEY_CTX_new(key, null);
  const isReady =
    context !== null &&
    lib.EVP_PKEY_sign_init(context) === 1 &&
    lib.EVP_PKEY_CTX_set_rsa_padding(context, pkcs1Padding) === 1 &&
    lib.EVP_PKEY_CTX_set_signature_md(context, lib.EVP_sha256()) === 1;
  const free = () => {
    lib.EVP_PKEY_CTX_free(context);
    lib.EVP_PKEY_free(key);
  };
  if (!isReady) {
    free();
    lib.ERR_clear_error();
    throw new Error("OpenSSL can't sign with this key");
  }
  const room = new Uint8Array(2048); // a signature is as long as its key, and no RSA key has over 16,384 bits
  const length = new BigUint64Array(1);
  return {
    sign(digest) {
      if (digest.byteLength !== 32) throw new Error("Not a SHA-256 digest");
      length[0] = BigInt(room.byteLength);
      if (lib.EVP_PKEY_sign(context, ptr(room), ptr(length), ptr(digest), 32) !== 1) {
        lib.ERR_clear_error();
        throw new Error("OpenSSL could not make a signature");
      }
      return Buffer.from(room.slice(0, Number(length[0])));
    },
    free,
  };
}

function readKey(lib: Library, privateKey: string): Pointer {
  const pem = Buffer.from(privateKey);
  const bio = lib.BIO_new_mem_buf(ptr(pem), pem.byteLength);
  // Without a callback OpenSSL would ask for an encrypted key's password on the terminal; ours are never encrypted, and a
  // password given as text ends that.
  const key = bio === null ? null : lib.PEM_read_bio_PrivateKey(bio, null, null, ptr(Buffer.from("\0")));
  lib.BIO_free(bio);
  if (key === null) {
    lib.ERR_clear_error();
    throw new Error("OpenSSL can't read this private key");
  }
  return key as Pointer; // functions that return pointers give numbers
}
