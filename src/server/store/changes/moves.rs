//! How far prices move.

use crate::model::changes::Percent;

/// Counts of price changes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Moves {
    /// Those above a share of the old price.
    pub far: u64,
    /// Those with an old and a new price.
    pub compared: u64,
}

impl Moves {
    pub(in crate::server::store) fn add(
        &mut self,
        old: Option<&str>,
        new: Option<&str>,
        by: Percent,
    ) {
        let number = |price: Option<&str>| price.and_then(|price| price.parse::<f64>().ok());
        let (Some(old), Some(new)) = (number(old), number(new)) else {
            return;
        };
        #[allow(clippy::cast_precision_loss)] // a share of a price, not a price
        let share = by.hundredths() as f64 / 10_000.0;
        self.compared += 1;
        self.far += u64::from((new - old).abs() > old.abs() * share);
    }
}

impl std::ops::AddAssign for Moves {
    fn add_assign(&mut self, other: Self) {
        self.far += other.far;
        self.compared += other.compared;
    }
}

/// Returns the price change in hundredths of a percent of the old price, like the triggers.
pub(in crate::server::store) fn price_change(old: Option<&str>, new: Option<&str>) -> Option<i64> {
    const MOST: f64 = 1e9;
    if old == new {
        return None;
    }
    let number = |price: Option<&str>| price.and_then(|price| price.parse::<f64>().ok());
    let (old, new) = (number(old)?, number(new)?);
    #[allow(clippy::cast_possible_truncation)] // it is clamped
    let rounded = |change: f64| change.clamp(-MOST, MOST).round() as i64;
    Some(match (old == 0.0, new == 0.0) {
        (true, true) => 0,
        (true, false) => rounded(MOST),
        _ => rounded((new - old) * 10_000.0 / old),
    })
}
