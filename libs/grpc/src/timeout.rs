//! The `grpc-timeout` header.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};

/// The header by which a caller says how long it will wait.
pub(crate) const HEADER: HeaderName = HeaderName::from_static("grpc-timeout");

/// What the caller gave; `None` where it gave nothing or something that is no timeout.
pub(crate) fn read(headers: &HeaderMap) -> Option<Duration> {
    parse(headers.get(HEADER)?.as_bytes())
}

fn parse(value: &[u8]) -> Option<Duration> {
    let (unit, digits) = value.split_last()?;
    if digits.is_empty() || digits.len() > 8 {
        return None;
    }
    let mut number: u64 = 0;
    for digit in digits {
        number = number * 10 + u64::from(digit.is_ascii_digit().then(|| digit - b'0')?);
    }
    Some(match unit {
        b'H' => Duration::from_secs(number * 3600),
        b'M' => Duration::from_secs(number * 60),
        b'S' => Duration::from_secs(number),
        b'm' => Duration::from_millis(number),
        b'u' => Duration::from_micros(number),
        b'n' => Duration::from_nanos(number),
        _ => return None,
    })
}

/// The header's value for `timeout`, rounded up to the finest unit that eight digits hold.
pub(crate) fn value(timeout: Duration) -> HeaderValue {
    let nanos = timeout.as_nanos();
    let (number, unit) = [
        (1_u128, 'n'),
        (1_000, 'u'),
        (1_000_000, 'm'),
        (1_000_000_000, 'S'),
        (60_000_000_000, 'M'),
        (3_600_000_000_000, 'H'),
    ]
    .into_iter()
    .map(|(size, unit)| (nanos.div_ceil(size), unit))
    .find(|(number, _)| *number < 100_000_000)
    .unwrap_or((99_999_999, 'H'));
    HeaderValue::try_from(format!("{number}{unit}")).expect("digits and a letter are visible ASCII")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_what_the_protocol_allows() {
        assert_eq!(parse(b"3H"), Some(Duration::from_secs(10_800)));
        assert_eq!(parse(b"100m"), Some(Duration::from_millis(100)));
        assert_eq!(parse(b"0n"), Some(Duration::ZERO));
        for bad in [
            "",
            "m",
            "1",
            "1x",
            "123456789m",
            "-1m",
            "+1m",
            "1.5S",
            " 1m",
        ] {
            assert_eq!(parse(bad.as_bytes()), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_and_never_shorter(millis in 0..u64::from(u32::MAX) * 1000) {
            let timeout = Duration::from_millis(millis);
            let read = parse(value(timeout).as_bytes()).unwrap();
            prop_assert!(read >= timeout && read <= timeout + Duration::from_hours(1));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            let _ = parse(&bytes);
        }
    }
}
