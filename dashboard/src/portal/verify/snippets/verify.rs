// Cargo.toml: base64 = "0.22", hmac = "0.12", sha2 = "0.10"
use base64::{engine::general_purpose::STANDARD, Engine};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::time::{SystemTime, UNIX_EPOCH};

const TOLERANCE_S: u64 = 300;

/// Whether a request is genuine and at most five minutes old. `header` returns a
/// header by its name; `body` is as it arrived, before it was parsed; `secret` is whsec_…
pub fn verify<'a>(header: impl Fn(&str) -> Option<&'a str>, body: &[u8], secret: &str) -> bool {
    let (Some(id), Some(timestamp), Some(signatures)) = (
        header("webhook-id"),
        header("webhook-timestamp"),
        header("webhook-signature"),
    ) else {
        return false;
    };
    let Ok(seconds) = timestamp.parse::<u64>() else {
        return false;
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    if now.abs_diff(seconds) > TOLERANCE_S {
        return false;
    }

    let Ok(key) = STANDARD.decode(secret.trim_start_matches("whsec_")) else {
        return false;
    };
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("a key of any length");
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body);
    // After the secret was replaced there are several signatures; one must be right.
    signatures
        .split(' ')
        .filter_map(|signature| signature.strip_prefix("v1,"))
        .filter_map(|value| STANDARD.decode(value).ok())
        .any(|given| mac.clone().verify_slice(&given).is_ok())
}
