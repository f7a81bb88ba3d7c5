//! When seats run out: a straight line through what was needed day by day.

/// So many of the last days count.
pub const WINDOW: i64 = 28;

/// With fewer days than this nothing is said.
const ENOUGH: usize = 7;

/// Nothing is said about what is farther away than this, in days.
const FARTHEST: f64 = 3_650.0;

/// When more seats will be needed than there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// The first day without a seat left, counted from 1970-01-01 UTC.
    pub day: i64,
    /// From the growth of so many days.
    pub over: i64,
}

/// From the seats needed on each day, in order, the last of which is the present one. `None` when
/// there are too few days, no growth, or no seat left already.
pub fn forecast(days: &[(i64, u64)], total: u64) -> Option<Forecast> {
    let (today, needed) = *days.last()?;
    let from = days.partition_point(|(day, _)| *day <= today - WINDOW);
    let days = &days[from..];
    if days.len() < ENOUGH || needed > total {
        return None;
    }
    let over = today - days[0].0 + 1;
    let growth = slope(days)?;
    // Less than one seat in all these days is no growth.
    if growth * over as f64 <= 1.0 {
        return None;
    }
    let left = (total - needed) as f64 / growth;
    (left < FARTHEST).then(|| Forecast { day: today + left.floor() as i64 + 1, over })
}

/// Seats per day, by least squares.
fn slope(days: &[(i64, u64)]) -> Option<f64> {
    let first = days.first()?.0;
    let count = days.len() as f64;
    let points = || days.iter().map(|(day, needed)| ((day - first) as f64, *needed as f64));
    let (x, y) = points().fold((0.0, 0.0), |(x, y), (a, b)| (x + a, y + b));
    let (x, y) = (x / count, y / count);
    let (up, down) =
        points().fold((0.0, 0.0), |(up, down), (a, b)| (up + (a - x) * (b - y), down + (a - x) * (a - x)));
    (down > 0.0).then(|| up / down)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(days: impl IntoIterator<Item = (i64, u64)>, total: u64) -> Option<(i64, i64)> {
        let days: Vec<_> = days.into_iter().collect();
        forecast(&days, total).map(|one| (one.day, one.over))
    }

    #[test]
    fn a_steady_growth_goes_on() {
        // One a day from 50 on day 100; the 79th on day 128, and 80 seats.
        let steady = (100..128).map(|day| (day, (day - 50) as u64));
        assert_eq!(said(steady.clone(), 80), Some((131, 28)), "on day 130 the last one is needed");
        assert_eq!(said(steady.clone(), 77), Some((128, 28)), "all are taken: tomorrow");
        assert_eq!(said(steady.clone(), 76), None, "too few already");
        assert_eq!(said(steady, 100_000), None, "too far away");
    }

    #[test]
    fn only_the_last_weeks_count_and_gaps_do_not() {
        let quiet_then_growing = (0..100).map(|day| (day, if day < 72 { 10 } else { day as u64 - 62 }));
        assert_eq!(said(quiet_then_growing, 47), Some((110, 28)));
        let weekly = (0..9).map(|week| (7 * week, 10 + 7 * week as u64));
        assert_eq!(said(weekly, 100), None, "four days in four weeks");
        let workdays = (0..28).filter(|day| day % 7 < 5).map(|day| (day, 10 + 2 * day as u64));
        assert_eq!(said(workdays, 100), Some((46, 26)));
    }

    #[test]
    fn nothing_is_said_without_growth_or_data() {
        for days in [
            vec![],
            (0..6).map(|day| (day, 10 * day as u64)).collect(),
            (0..28).map(|day| (day, 50)).collect(),
            (0..28).map(|day| (day, 90 - day as u64)).collect(),
            // One joins and one leaves, again and again.
            (0..28).map(|day| (day, 50 + day as u64 % 2)).collect::<Vec<_>>(),
        ] {
            assert_eq!(said(days.clone(), 100), None, "{days:?}");
        }
    }
}
