//! Formats sizes in bytes for people.

/// Formats a size in bytes for people, as in the web interface: `1.86 MB`, with three digits and powers of 1000.
pub fn amount(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["B", "kB", "MB", "GB", "TB", "PB"];
    #[expect(clippy::cast_precision_loss, reason = "only three digits are shown")]
    let mut size = bytes as f64;
    let mut unit = 0;
    while size >= 999.5 && unit + 1 < UNITS.len() {
        size /= 1000.0;
        unit += 1;
    }
    let digits = match size {
        _ if unit == 0 => 0,
        99.95.. => 0,
        9.995.. => 1,
        _ => 2,
    };
    format!("{size:.digits$} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    #[test]
    fn amounts_have_three_digits() {
        for (bytes, expected) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.00 kB"),
            (9_994, "9.99 kB"),
            (9_999, "10.0 kB"),
            (99_949, "99.9 kB"),
            (198_000, "198 kB"),
            (999_499, "999 kB"),
            (999_500, "1.00 MB"),
            (2_810_000, "2.81 MB"),
            (3_000_000_000_000, "3.00 TB"),
            (u64::MAX, "18447 PB"),
        ] {
            assert_eq!(super::amount(bytes), expected);
        }
    }
}
