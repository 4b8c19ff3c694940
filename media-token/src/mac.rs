//! HMAC-SHA-256 (RFC 2104) for the path that every request takes, on the library's
//! compression function.
//!
//! The key's two padded blocks are hashed once, when the configuration is read.
//! `hmac::Hmac` does that too, but clones, buffers and wipes more than one short
//! message needs; its own cost was as high as the hashing (docs/performance.md).

use std::slice;

use sha2::Sha256;
use sha2::block_api::compress256;
use sha2::digest::Digest;
use zeroize::{Zeroize, ZeroizeOnDrop};

const BLOCK_LEN: usize = 64;
const DIGEST_LEN: usize = 32;

/// The length of an unpadded base64 digest, in bytes.
pub(crate) const TEXT_LEN: usize = 43;

/// FIPS 180-4, 5.3.3: what hashing begins with.
const INITIAL: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// A key with both of its padded blocks already hashed.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct PreparedKey {
    inner: [u32; 8],
    outer: [u32; 8],
}

impl PreparedKey {
    pub(crate) fn new(key: &[u8]) -> Self {
        let mut block = [0; BLOCK_LEN];
        if key.len() > BLOCK_LEN {
            put(&mut block, &Sha256::digest(key));
        } else {
            put(&mut block, key);
        }
        let mut hash_padded = |pad: u8| {
            block.iter_mut().for_each(|byte| *byte ^= pad);
            let mut state = INITIAL;
            compress256(&mut state, &[block]);
            block.iter_mut().for_each(|byte| *byte ^= pad);
            state
        };
        let (inner, outer) = (hash_padded(0x36), hash_padded(0x5c));
        block.zeroize();
        Self { inner, outer }
    }

    /// Begins a message.
    pub(crate) fn message(&self) -> Message<'_> {
        Message {
            key: self,
            state: self.inner,
            block: [0; BLOCK_LEN],
            filled: 0,
            // The padded key.
            hashed: BLOCK_LEN as u64,
        }
    }
}

/// A message whose code is wanted.
pub(crate) struct Message<'k> {
    key: &'k PreparedKey,
    state: [u32; 8],
    /// The block that is being filled, zeros where nothing has been written.
    block: [u8; BLOCK_LEN],
    /// How many of its bytes are: less than all.
    filled: usize,
    /// How many bytes went into `state`.
    hashed: u64,
}

impl Message<'_> {
    #[inline]
    pub(crate) fn update(&mut self, mut piece: &[u8]) {
        if let [byte] = *piece {
            return self.push(byte);
        }
        loop {
            let room = self.block.get_mut(self.filled..).unwrap_or_default();
            let len = put(room, piece);
            if len < room.len() {
                self.filled = self.filled.wrapping_add(len);
                return;
            }
            self.compress();
            piece = piece.get(len..).unwrap_or_default();
        }
    }

    /// One byte, with less ado.
    #[inline]
    fn push(&mut self, byte: u8) {
        if let Some(place) = self.block.get_mut(self.filled) {
            *place = byte;
            self.filled = self.filled.wrapping_add(1);
        }
        if self.filled >= BLOCK_LEN {
            self.compress();
        }
    }

    // Most messages fit into one block, which `finalize` hashes.
    #[cold]
    #[inline(never)]
    fn compress(&mut self) {
        compress256(&mut self.state, slice::from_ref(&self.block));
        self.block = [0; BLOCK_LEN];
        self.hashed = self.hashed.wrapping_add(BLOCK_LEN as u64);
        self.filled = 0;
    }

    /// The code of the message, which ends here.
    #[inline(always)]
    pub(crate) fn finalize(&mut self) -> [u8; DIGEST_LEN] {
        let len = self.hashed.wrapping_add(self.filled as u64);
        if let Some(byte) = self.block.get_mut(self.filled) {
            *byte = 0x80;
        }
        // The length takes the last eight bytes.
        if self.filled >= BLOCK_LEN.wrapping_sub(8) {
            self.compress();
        }
        end(&mut self.block, len);
        compress256(&mut self.state, slice::from_ref(&self.block));

        let mut block = [0; BLOCK_LEN];
        put(&mut block, &to_bytes(&self.state));
        if let Some(byte) = block.get_mut(DIGEST_LEN) {
            *byte = 0x80;
        }
        end(&mut block, BLOCK_LEN.wrapping_add(DIGEST_LEN) as u64);
        let mut state = self.key.outer;
        compress256(&mut state, slice::from_ref(&block));
        to_bytes(&state)
    }
}

/// Puts as much of `bytes` at the beginning of `room` as fits, and says how much.
#[inline]
fn put(room: &mut [u8], bytes: &[u8]) -> usize {
    let len = bytes.len().min(room.len());
    if let (Some(room), Some(bytes)) = (room.get_mut(..len), bytes.get(..len)) {
        room.copy_from_slice(bytes);
    }
    len
}

/// Ends a last block with the message's length, which SHA-256 wants in bits.
#[inline]
fn end(block: &mut [u8; BLOCK_LEN], bytes: u64) {
    if let Some(place) = block.last_chunk_mut() {
        *place = bytes.wrapping_mul(8).to_be_bytes();
    }
}

#[inline]
fn to_bytes(state: &[u32; 8]) -> [u8; DIGEST_LEN] {
    let mut bytes = [0; DIGEST_LEN];
    for (place, word) in bytes.as_chunks_mut().0.iter_mut().zip(state) {
        *place = word.to_be_bytes();
    }
    bytes
}

/// Unpadded base64url (RFC 4648, 5) of a digest.
///
/// Looks nothing up in a table, whose cache lines would tell of the digest, and
/// is quicker for that too: the compiler makes vectors of it.
#[inline(always)]
pub(crate) fn encode(digest: &[u8; DIGEST_LEN]) -> [u8; TEXT_LEN] {
    // Six bytes make eight digits; 36 bytes make 48.
    let mut padded = [0; 36];
    put(&mut padded, digest);
    let mut digits = [0; 48];
    let groups = padded.as_chunks::<6>().0.iter();
    for (place, [a, b, c, d, e, f]) in digits.as_chunks_mut().0.iter_mut().zip(groups) {
        // Halves, then quarters, then eighths apart, each in the low bits of its own.
        let bits = u64::from_be_bytes([0, *a, *b, *c, 0, *d, *e, *f]);
        let bits = ((bits & 0x00ff_f000_00ff_f000) << 4) | (bits & 0x0000_0fff_0000_0fff);
        let bits = ((bits & 0x0fc0_0fc0_0fc0_0fc0) << 2) | (bits & 0x003f_003f_003f_003f);
        *place = bits.to_be_bytes();
    }
    for digit in &mut digits {
        *digit = spell(*digit);
    }
    let mut text = [0; TEXT_LEN];
    put(&mut text, &digits);
    text
}

/// The character for six bits, by arithmetic alone.
#[inline]
fn spell(bits: u8) -> u8 {
    let from = |first: u8, shift: u8| if bits >= first { shift } else { 0 };
    bits.wrapping_add(b'A')
        .wrapping_add(from(26, b'a'.wrapping_sub(b'Z').wrapping_sub(1)))
        .wrapping_add(from(52, b'0'.wrapping_sub(b'z').wrapping_sub(1)))
        .wrapping_add(from(62, b'-'.wrapping_sub(b'9').wrapping_sub(1)))
        .wrapping_add(from(63, b'_'.wrapping_sub(b'-').wrapping_sub(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use hmac::{Hmac, KeyInit, Mac};
    use proptest::prelude::*;

    fn ours(key: &[u8], pieces: &[&[u8]]) -> [u8; DIGEST_LEN] {
        let key = PreparedKey::new(key);
        let mut message = key.message();
        pieces.iter().for_each(|piece| message.update(piece));
        message.finalize()
    }

    fn theirs(key: &[u8], message: &[u8]) -> [u8; DIGEST_LEN] {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
        mac.update(message);
        mac.finalize().into_bytes().into()
    }

    #[test]
    fn codes_are_those_of_rfc_4231() {
        let hex = |code: [u8; DIGEST_LEN]| code.map(|byte| format!("{byte:02x}")).concat();
        assert_eq!(
            hex(ours(b"Jefe", &[b"what do ya want ", b"for nothing?"])),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        let large = b"Test Using Larger Than Block-Size Key - Hash Key First";
        assert_eq!(
            hex(ours(&[0xaa; 131], &[large])),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }

    #[test]
    fn every_length_around_the_blocks_ends_is_that_of_the_library() {
        let bytes = [0x5a; 200];
        for len in 0..bytes.len() {
            let message = &bytes[..len];
            assert_eq!(ours(b"key", &[message]), theirs(b"key", message), "{len}");
            assert_eq!(ours(message, &[b"a"]), theirs(message, b"a"), "{len}");
        }
    }

    #[test]
    fn every_digit_is_that_of_the_library() {
        for byte in 0..=u8::MAX {
            let digest = std::array::from_fn(|index| byte.wrapping_add(index as u8));
            assert_eq!(encode(&digest), URL_SAFE_NO_PAD.encode(digest).as_bytes());
        }
    }

    proptest! {
        #[test]
        fn a_message_in_pieces_has_the_code_of_the_whole(
            key in prop::collection::vec(any::<u8>(), 0..150),
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..90), 0..5),
        ) {
            let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
            let code = ours(&key, &pieces);
            prop_assert_eq!(code, theirs(&key, &pieces.concat()));
            let prepared = PreparedKey::new(&key);
            let mut message = prepared.message();
            pieces.concat().iter().for_each(|byte| message.push(*byte));
            prop_assert_eq!(message.finalize(), code);
            let text = encode(&code);
            let expected = URL_SAFE_NO_PAD.encode(code);
            prop_assert_eq!(&text[..], expected.as_bytes());
        }
    }
}
