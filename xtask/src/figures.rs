//! Figures that are made of many: percentiles, a slope, and how little a zero says.

/// Of these values, the one that this share of them does not exceed; 0 if there are none.
pub(crate) fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let index = (sorted.len() as f64 * share) as usize;
    sorted.get(index.min(sorted.len().saturating_sub(1))).copied().unwrap_or_default()
}

/// The value in the middle, or between the two that are; 0 if there are none.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let (upper, lower) = (values.len() / 2, values.len().saturating_sub(1) / 2);
    let at = |index: usize| values.get(index).copied().unwrap_or_default();
    f64::midpoint(at(lower), at(upper))
}

/// The largest; 0 if there are none.
pub(crate) fn largest(values: &[f64]) -> f64 {
    values.iter().copied().fold(0.0, f64::max)
}

/// How much `y` grows with each `x`, by least squares; 0 where that means nothing.
pub(crate) fn slope(points: &[(f64, f64)]) -> f64 {
    let count = points.len().max(1) as f64;
    let mean = |value: fn(&(f64, f64)) -> f64| points.iter().map(value).sum::<f64>() / count;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let along = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum::<f64>();
    let square = points.iter().map(|point| (point.0 - x) * (point.0 - x)).sum::<f64>();
    if square > 0.0 { along / square } else { 0.0 }
}

/// Below which the true rate is with 95 % certainty, after so many failures in so many trials. For none it is 3/n; for
/// some, what is seen and two standard deviations of it on top.
pub(crate) fn upper_bound(failures: u64, trials: u64) -> f64 {
    let failures = failures as f64;
    ((2.0_f64.mul_add(failures.sqrt(), failures) + 3.0) / (trials.max(1) as f64)).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(one: f64, other: f64) -> bool {
        (one - other).abs() < 1e-9
    }

    #[test]
    fn a_median_of_an_even_number_is_between_the_two_in_the_middle() {
        assert!(near(median(vec![9.0, 1.0, 2.0, 4.0]), 3.0));
        assert!(near(median(vec![9.0, 1.0, 2.0]), 2.0));
        assert!(near(median(Vec::new()), 0.0));
    }

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let values: Vec<f64> = (0..200).rev().map(f64::from).collect();
        assert!(near(percentile(&values, 0.99), 198.0) && near(percentile(&values, 1.0), 199.0));
        assert!(near(percentile(&[], 0.5), 0.0) && near(largest(&values), 199.0));
    }

    #[test]
    fn a_slope_is_that_of_the_line_through_the_points() {
        assert!(near(slope(&[(0.0, 5.0), (1.0, 7.0), (2.0, 9.0)]), 2.0));
        assert!(near(slope(&[(0.0, 1.0), (1.0, 3.0), (2.0, 1.0), (3.0, 3.0)]), 0.4));
        assert!(near(slope(&[(1.0, 1.0), (1.0, 2.0)]), 0.0) && near(slope(&[]), 0.0));
    }

    #[test]
    fn a_zero_of_a_thousand_says_no_more_than_three_in_a_thousand() {
        assert!(near(upper_bound(0, 1000), 0.003));
        assert!(near(upper_bound(4, 100), 0.11) && near(upper_bound(0, 0), 1.0));
    }
}
