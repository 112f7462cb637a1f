//! The speed of an import, as a number and a line.

use leptos::prelude::*;

use super::pace::Pace;
use crate::{
    i18n::locale::Locale,
    islands::parts::{
        clock::{browser_now, use_now},
        format::decimal,
        locale::use_locale,
    },
    model::job::{ImportProgress, ImportStatus, UnixMillis},
};

/// Maximum steps of the line.
const STEPS: usize = 48;
const FIRST_STEP: UnixMillis = 500;
/// Height of the drawing; its width is the number of steps.
const HEIGHT: u8 = 24;

/// Products per step since the page was opened. If there are too many steps, pairs of them are merged.
#[derive(Clone, Debug, PartialEq)]
struct Throughput {
    began: Option<UnixMillis>,
    step: UnixMillis,
    last: u64,
    steps: Vec<u64>,
}

impl Default for Throughput {
    fn default() -> Self {
        Self {
            began: None,
            step: FIRST_STEP,
            last: 0,
            steps: Vec::new(),
        }
    }
}

impl Throughput {
    /// Records the counts.
    fn note(&mut self, at: UnixMillis, done: u64) {
        let Some(began) = self.began else {
            // Products from before the page was opened do not count.
            self.began = Some(at);
            self.last = done;
            return;
        };
        let mut index = usize::try_from((at - began) / self.step).unwrap_or_default();
        while index >= STEPS {
            self.steps = self.steps.chunks(2).map(|two| two.iter().sum()).collect();
            self.step *= 2;
            index /= 2;
        }
        if self.steps.len() <= index {
            self.steps.resize(index + 1, 0);
        }
        self.steps[index] += done.saturating_sub(self.last);
        self.last = done;
    }

    /// Returns the points of a `polyline`, without the current step; `None` if there are too few.
    #[allow(clippy::cast_precision_loss)] // pixels need no more
    fn points(&self) -> Option<String> {
        let (_, whole) = self.steps.split_last()?;
        let most = *whole.iter().max()? as f64;
        if whole.len() < 3 || most == 0.0 {
            return None;
        }
        let width = STEPS as f64 / (whole.len() - 1) as f64;
        let point = |(index, products): (usize, &u64)| {
            let y = f64::from(HEIGHT - 1) - *products as f64 / most * f64::from(HEIGHT - 2);
            let (x, y) = (decimal(index as f64 * width, 1), decimal(y, 1));
            format!("{x},{y}")
        };
        let points: Vec<_> = whole.iter().enumerate().map(point).collect();
        Some(points.join(" "))
    }
}

/// Shows the products per second, and their course since the page was opened. Its space is reserved from the start.
#[component]
pub(crate) fn Speed(
    progress: Signal<ImportProgress>,
    status: Signal<ImportStatus>,
    pace: Signal<Pace>,
) -> impl IntoView {
    let t = use_locale();
    let now = use_now();
    let throughput = RwSignal::new(Throughput::default());
    let is_running = Memo::new(move |_| !status.get().is_final());
    // Also with the clock, so that the line falls during a stall.
    Effect::new(move |_| {
        let done = progress.get().done();
        if is_running.get() && now.get().is_some() {
            throughput.update(|it| it.note(browser_now(), done));
        }
    });
    let points = Memo::new(move |_| throughput.with(Throughput::points));
    let text = Memo::new(move |_| {
        let now = is_running.get().then(|| now.get()).flatten()?;
        Some(rate(t, pace.with(|pace| pace.per_second(now))?))
    });
    let closed = move || {
        points
            .get()
            .map(|points| format!("0,{HEIGHT} {points} {STEPS},{HEIGHT}"))
    };
    // An import that had already ended has no speed.
    let was_over = !is_running.get_untracked();
    view! {
        <div
            class="speed"
            hidden=was_over
            data-off=move || (points.get().is_none() && text.get().is_none()).then_some("")
            data-testid="speed"
        >
            <svg
                class="speed-line"
                viewBox=format!("0 0 {STEPS} {HEIGHT}")
                preserveAspectRatio="none"
                aria-hidden="true"
            >
                <polygon points=closed />
                <polyline points=move || points.get() vector-effect="non-scaling-stroke" />
            </svg>
            <p class="speed-rate" translate="no" data-testid="speed-rate">
                {text}
            </p>
        </div>
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // the cast saturates
fn rate(t: Locale, per_second: f64) -> String {
    if per_second > 0.0 && per_second < 1.0 {
        return "< 1/s".to_owned();
    }
    let count = t.count(per_second.round() as u64);
    format!("{count}/s")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_was_done_before_is_no_speed() {
        let mut it = Throughput::default();
        it.note(0, 90_000);
        assert_eq!(it.points(), None);
        for tick in 1..=8 {
            it.note(tick * 500, 90_000 + u64::try_from(tick).unwrap() * 50);
        }
        assert_eq!(it.steps, [0, 50, 50, 50, 50, 50, 50, 50, 50]);
        assert!(it.points().is_some());
    }

    #[test]
    fn in_a_stall_the_line_goes_down() {
        let mut it = Throughput::default();
        for tick in 0..=4 {
            it.note(tick * 500, u64::try_from(tick).unwrap() * 50);
        }
        it.note(6_000, 200);
        assert_eq!(it.steps.last(), Some(&0));
        assert!(it.points().unwrap().ends_with(",23.0"));
    }

    #[test]
    fn a_slow_import_still_has_a_speed() {
        assert_eq!(rate(Locale::English, 0.2), "< 1/s");
        assert_eq!(rate(Locale::English, 0.0), "0/s");
        assert_eq!(rate(Locale::German, 1_234.4), "1.234/s");
    }

    proptest! {
        #[test]
        fn no_product_is_lost_and_the_line_stays_short(
            notes in proptest::collection::vec((1..60_000i64, 0..1_000u64), 1..200),
        ) {
            let mut it = Throughput::default();
            it.note(0, 0);
            let (mut at, mut done) = (0, 0);
            for (later, more) in notes {
                at += later;
                done += more;
                it.note(at, done);
            }
            prop_assert_eq!(it.steps.iter().sum::<u64>(), done);
            prop_assert!(it.steps.len() <= STEPS);
            if let Some(points) = it.points() {
                prop_assert!(!points.contains("NaN"));
            }
        }
    }
}
