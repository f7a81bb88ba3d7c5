//! When seats run out, as the manual has it: a straight line through what was needed day by day.

/// The day on which seats run out, and over how many days the growth was looked at. `days`: what was
/// needed on each day that had a pass, the last of which is today.
pub(crate) fn runs_out(days: &[(i64, u64)], total: u64) -> Option<(i64, i64)> {
    let (today, needed) = *days.last()?;
    let days: Vec<(f64, f64)> = days
        .iter()
        .filter(|(day, _)| today - day < 28)
        .map(|(day, needed)| (*day as f64, *needed as f64))
        .collect();
    if days.len() < 7 || needed > total {
        return None;
    }
    // The line with the least squares, from the sums of the textbook.
    let count = days.len() as f64;
    let shifted: Vec<(f64, f64)> = days.iter().map(|(day, needed)| (day - days[0].0, *needed)).collect();
    let sum = |of: fn(&(f64, f64)) -> f64| shifted.iter().map(of).sum::<f64>();
    let (x, y, xy, xx) =
        (sum(|one| one.0), sum(|one| one.1), sum(|one| one.0 * one.1), sum(|one| one.0 * one.0));
    let growth = (count * xy - x * y) / (count * xx - x * x);
    let over = today - days[0].0 as i64 + 1;
    if growth * over as f64 <= 1.0 {
        return None;
    }
    (1..3_650)
        .find(|later| needed as f64 + growth * *later as f64 > total as f64 + 1e-9)
        .map(|later| (today + later, over))
}
