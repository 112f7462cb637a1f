//! A chart of a product's price.

use leptos::prelude::*;

use super::{moment::WrittenTime, money::money};
use crate::{
    i18n::locale::Locale,
    islands::parts::{format, locale::use_locale},
    model::{clock::now, job::UnixMillis, product::PricePoint},
};

/// Size of the drawing, which is stretched to the available space.
const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 140.0;

/// Space above and below the line.
const MARGIN: f64 = 10.0;

/// Draws the prices of a product; nothing for a single price.
#[component]
pub(crate) fn PriceChart(
    /// The prices, oldest first.
    prices: Vec<PricePoint>,
    currency: Option<String>,
) -> impl IntoView {
    let t = use_locale();
    let now = now();
    let known = || {
        prices
            .iter()
            .filter_map(|point| Some((point, point.price.as_ref()?)))
    };
    let number =
        |(point, price): (&PricePoint, &String)| Some((point.at, price.parse::<f64>().ok()?));
    let numbers: Vec<(UnixMillis, f64)> = known().filter_map(number).collect();
    let (Some((first, begin)), Some((_, end))) = (known().next(), known().next_back()) else {
        return None;
    };
    if numbers.len() < 2 {
        return None;
    }
    let lowest = numbers
        .iter()
        .map(|(_, price)| *price)
        .fold(f64::INFINITY, f64::min);
    let highest = numbers.iter().map(|(_, price)| *price).fold(0.0, f64::max);
    let written = |price: &str| money(t, price, currency.as_deref());
    let named = |value: f64| {
        let found = known().find(|(_, price)| price.parse::<f64>() == Ok(value));
        found.map(|(_, price)| written(price)).unwrap_or_default()
    };
    let (low, high) = (named(lowest), named(highest));
    let scale = Scale {
        from: first.at,
        to: now.max(first.at + 1),
        lowest,
        highest,
    };
    let line = scale.line(&prices, now);
    let marks = known()
        .filter_map(|(point, price)| {
            let (x, y) = (scale.x(point.at), scale.y(price.parse().ok()?));
            let text = format!("{}: {}", t.utc(point.at), written(price));
            Some(view! {
                <path class="chart-mark" d=format!("M{x:.1} {y:.1}h0")>
                    <title data-at=format::iso(point.at) data-utc=t.utc(point.at)>{text}</title>
                </path>
            })
        })
        .collect_view();
    let caption = caption(t, [&written(begin), &written(end), &low, &high]);
    Some(view! {
        <figure class="chart" data-testid="price-chart">
            <figcaption id="price-chart">{caption}</figcaption>
            <div class="chart-frame">
                <span class="chart-high" aria-hidden="true">{high}</span>
                <span class="chart-low" aria-hidden="true">{low}</span>
                <svg
                    viewBox=format!("0 0 {WIDTH} {HEIGHT}")
                    preserveAspectRatio="none"
                    role="img"
                    aria-labelledby="price-chart"
                >
                    <path class="chart-line" d=line />
                    {marks}
                </svg>
            </div>
            <p class="chart-times" aria-hidden="true">
                <WrittenTime at=first.at />
                <time datetime=format::iso(now)>{t.say("now", "jetzt")}</time>
            </p>
        </figure>
    })
}

/// Describes the chart for screen readers.
fn caption(t: Locale, [begin, end, low, high]: [&str; 4]) -> String {
    format!(
        "{} {begin}, {} {end} ({} {low}, {} {high})",
        t.say("Price: first", "Preis: zuerst"),
        t.say("now", "zuletzt"),
        t.say("lowest", "niedrigster"),
        t.say("highest", "höchster")
    )
}

/// Maps times and prices to coordinates.
struct Scale {
    from: UnixMillis,
    to: UnixMillis,
    lowest: f64,
    highest: f64,
}

impl Scale {
    #[expect(clippy::cast_precision_loss, reason = "a place in a picture")]
    fn x(&self, at: UnixMillis) -> f64 {
        let share = (at - self.from) as f64 / (self.to - self.from) as f64;
        share.clamp(0.0, 1.0) * WIDTH
    }

    fn y(&self, price: f64) -> f64 {
        let range = self.highest - self.lowest;
        let share = if range > 0.0 {
            (price - self.lowest) / range
        } else {
            0.5
        };
        HEIGHT - MARGIN - share * (HEIGHT - 2.0 * MARGIN)
    }

    /// Draws each price for as long as it was valid. The line is broken where there was none.
    fn line(&self, prices: &[PricePoint], now: UnixMillis) -> String {
        let mut line = String::new();
        let mut is_drawn = false;
        for (index, point) in prices.iter().enumerate() {
            let price = point.price.as_ref().and_then(|price| price.parse().ok());
            let Some(price) = price else {
                is_drawn = false;
                continue;
            };
            let until = prices.get(index + 1).map_or(now, |next| next.at);
            let (x, y, end) = (self.x(point.at), self.y(price), self.x(until));
            match is_drawn {
                true => line.push_str(&format!("V{y:.1}H{end:.1}")),
                false => line.push_str(&format!("M{x:.1} {y:.1}H{end:.1}")),
            }
            is_drawn = true;
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_goes_on_as_long_as_a_price_holds_and_breaks_where_there_is_none() {
        let point = |at, price: Option<&str>| PricePoint {
            at,
            price: price.map(str::to_owned),
        };
        let scale = Scale {
            from: 0,
            to: 100,
            lowest: 1.0,
            highest: 3.0,
        };
        let prices = [
            point(0, Some("1")),
            point(25, Some("3.00")),
            point(50, None),
            point(75, Some("2")),
        ];
        let line = scale.line(&prices, 100);
        assert_eq!(line, "M0.0 130.0H150.0V10.0H300.0M450.0 70.0H600.0");
    }
}
