//! Dates as directories hold them, in the one form that everybody reads: `2026-01-31`.

/// The date of a point in time; `None` when the text is none, or stands for "never".
///
/// Understood are generalized time (RFC 4517, 3.3.13), ISO 8601, eight digits, `31.1.2026`, and
/// the large integers of Active Directory (100 ns since 1601 UTC, where 0 and the largest mean
/// "never"). The date is the one that is written: times are not shifted between zones. What
/// has slashes is not understood: whether day or month comes first, nobody can tell.
pub(super) fn date(text: &str) -> Option<String> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (year, month, day) = match text.as_bytes().get(digits) {
        None if digits > 14 => return from_filetime(text),
        // Generalized time has at least the hour.
        None | Some(b'Z' | b'+' | b'-' | b'.' | b',') if matches!(digits, 8 | 10 | 12 | 14) => {
            (&text[..4], &text[4..6], &text[6..8])
        }
        Some(b'-') if digits == 4 => {
            let date = text.get(..10)?;
            if !matches!(text.as_bytes().get(10), None | Some(b'T' | b't' | b' ')) {
                return None;
            }
            let mut parts = date.splitn(3, '-');
            (parts.next()?, parts.next()?, parts.next()?)
        }
        Some(b'.') if matches!(digits, 1 | 2) => {
            let mut parts = text.splitn(3, '.');
            let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
            (year.trim(), month.trim(), day)
        }
        _ => return None,
    };
    let number = |text: &str, most: usize| {
        let plain = !text.is_empty() && text.len() <= most && text.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| text.parse::<u32>().ok()).flatten()
    };
    let (year, month, day) = (number(year, 4)?, number(month, 2)?, number(day, 2)?);
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    (year >= 1000 && (1..=days).contains(&day)).then(|| format!("{year:04}-{month:02}-{day:02}"))
}

/// 100 ns since 1601-01-01.
fn from_filetime(text: &str) -> Option<String> {
    let ticks: i64 = text.parse().ok()?;
    if ticks <= 0 || ticks == i64::MAX {
        return None;
    }
    // Days since 0000-03-01, from which years end with February (Gregorian, proleptic).
    let days = ticks / 864_000_000_000 + 584_694;
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year <= 9999).then(|| format!("{year:04}-{month:02}-{day:02}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_directories_become_iso_dates() {
        for (text, want) in [
            ("20260131120000.0Z", Some("2026-01-31")),
            ("20260131120000Z", Some("2026-01-31")),
            ("202601311200+0100", Some("2026-01-31")),
            ("2026013112Z", Some("2026-01-31")),
            ("20260131", Some("2026-01-31")),
            ("2026-01-31", Some("2026-01-31")),
            ("2026-01-31T23:59:59+14:00", Some("2026-01-31")),
            (" 2026-01-31 08:00 ", Some("2026-01-31")),
            ("31.1.2026", Some("2026-01-31")),
            ("31.01.2026", Some("2026-01-31")),
            ("20240229", Some("2024-02-29")),
            ("20250229", None),
            ("19000229", None),
            ("116444736000000000", Some("1970-01-01")),
            ("134142912000000000", Some("2026-01-31")),
            ("125962560000000000", Some("2000-02-29")),
            ("116444735990000000", Some("1969-12-31")),
            ("0", None),
            ("9223372036854775807", None),
            ("99999999999999999999", None),
            ("31/01/2026", None),
            ("2026-13-01", None),
            ("2026-01-32", None),
            ("2026-1-31", None),
            ("2026-01-31x", None),
            ("20260131x", None),
            ("2026.01.31", None),
            ("31.01.26", None),
            ("+1.+1.2026", None),
            ("ü", None),
            ("2026-01-3ü", None),
            ("", None),
        ] {
            assert_eq!(date(text).as_deref(), want, "{text}");
        }
    }
}
