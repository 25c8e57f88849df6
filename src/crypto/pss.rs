//! EMSA-PSS (RFC 8017 section 9.1.2) for what the `rsa` crate has no name for: a mask over another digest, and SHAKE.

use crate::base::DigestAlgorithm;

/// Whether `encoded` is an encoding of `hash` with exactly this salt length.
///
/// `encoded` is EM: as many octets as `bits` need, where `bits` is one less than the modulus has.
pub(super) fn fits(
    encoded: &[u8],
    bits: usize,
    (digest, hash): (DigestAlgorithm, &[u8]),
    mask: DigestAlgorithm,
    salt_len: usize,
) -> bool {
    let hash_len = digest.len();
    let Some(padding_len) = encoded.len().checked_sub(hash_len + salt_len + 2) else { return false };
    let Some((masked, [trailer])) = encoded.split_at_checked(encoded.len() - 1) else { return false };
    let Some((masked, seed)) = masked.split_at_checked(masked.len() - hash_len) else { return false };
    let spare = (8 * encoded.len()).saturating_sub(bits);
    if *trailer != TRAILER || spare >= 8 || hash.len() != hash_len {
        return false;
    }
    let top = 0xFF_u8 >> spare;
    if masked.first().is_some_and(|first| first & !top != 0) {
        return false;
    }
    let mut block: Vec<u8> =
        masked.iter().zip(mask_octets(mask, seed, masked.len())).map(|(octet, mask)| octet ^ mask).collect();
    if let Some(first) = block.first_mut() {
        *first &= top;
    }
    let Some((padding, rest)) = block.split_at_checked(padding_len) else { return false };
    let Some((&[separator], salt)) = rest.split_first_chunk::<1>() else { return false };
    if padding.iter().any(|octet| *octet != 0) || separator != 1 {
        return false;
    }
    digest.digest(&[&[0; 8], hash, salt].concat()).bytes == seed
}

/// MGF1 (RFC 8017 appendix B.2.1); for SHAKE, its own output (RFC 8692 section 3.1).
fn mask_octets(mask: DigestAlgorithm, seed: &[u8], len: usize) -> Vec<u8> {
    if let Some(octets) = mask.squeeze(seed, len) {
        return octets;
    }
    let blocks = (0_u32..).map(|counter| mask.digest(&[seed, &counter.to_be_bytes()].concat()).bytes);
    blocks.take(len.div_ceil(mask.len())).flatten().take(len).collect()
}

/// The octet that ends EM; other trailers of ISO 9796-2 are not used with RFC 4055.
const TRAILER: u8 = 0xBC;

#[cfg(test)]
mod tests {
    use super::*;
    use DigestAlgorithm::{Sha1, Sha256, Sha512, Shake256};

    /// EMSA-PSS-ENCODE (RFC 8017 section 9.1.1).
    fn encode(
        bits: usize,
        digest: DigestAlgorithm,
        hash: &[u8],
        mask: DigestAlgorithm,
        salt: &[u8],
    ) -> Vec<u8> {
        let len = bits.div_ceil(8);
        let seed = digest.digest(&[&[0; 8], hash, salt].concat()).bytes;
        let padding = vec![0; len - digest.len() - salt.len() - 2];
        let block = [&padding, &[1][..], salt].concat();
        let mut out: Vec<u8> = block
            .iter()
            .zip(mask_octets(mask, &seed, block.len()))
            .map(|(octet, mask)| octet ^ mask)
            .collect();
        out[0] &= 0xFF >> (8 * len - bits);
        out.extend(seed);
        out.push(TRAILER);
        out
    }

    #[test]
    fn an_encoding_fits_as_made_and_not_otherwise() {
        let hash = |digest: DigestAlgorithm| digest.digest(b"abc").bytes;
        for (digest, mask, salt) in
            [(Sha256, Sha1, &[7; 20][..]), (Sha512, Sha256, &[]), (Shake256, Shake256, &[9; 64])]
        {
            for bits in [2047, 2046, 2041, 2040, 1535] {
                let encoded = encode(bits, digest, &hash(digest), mask, salt);
                let check =
                    |encoded: &[u8], mask, salt| fits(encoded, bits, (digest, &hash(digest)), mask, salt);
                assert!(check(&encoded, mask, salt.len()), "{digest} {mask} {bits}");
                assert!(!check(&encoded, Sha512, salt.len()));
                assert!(!check(&encoded, mask, salt.len() + 1));
                assert!(!check(&encoded, mask, 5000));
                assert!(!fits(&encoded, bits, (digest, &digest.digest(b"abd").bytes), mask, salt.len()));
                for at in 0..encoded.len() {
                    for bit in 0..8 {
                        let mut broken = encoded.clone();
                        broken[at] ^= 1 << bit;
                        assert!(!check(&broken, mask, salt.len()), "bit {bit} of octet {at}");
                    }
                }
                for end in 0..encoded.len() {
                    assert!(!check(&encoded[..end], mask, salt.len()));
                }
            }
        }
    }
}
