//! Points on the earth, circles and geohash cells.

use std::f64::consts::FRAC_PI_2;

/// The mean radius of the earth in metres (IUGG).
const RADIUS: f64 = 6_371_008.8;
/// The digits of a geohash: five bits each.
const DIGITS: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";

/// A point in degrees: latitude -90 to 90, longitude -180 to 180.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    latitude: f64,
    longitude: f64,
}

impl Point {
    /// A point; none for numbers that are none.
    pub fn new(latitude: f64, longitude: f64) -> Option<Self> {
        let sound = (-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude);
        sound.then_some(Self {
            latitude,
            longitude,
        })
    }

    /// True when the other point is at most so many metres away: by the haversine formula, right to 0.6 % (the earth is no
    /// sphere). The squares of sines are compared, so that no inverse function is needed.
    pub(crate) fn is_within(self, metres: f64, other: Self) -> bool {
        let angle = metres / (2.0 * RADIUS);
        if angle >= FRAC_PI_2 {
            return true;
        }
        let apart = (other.longitude - self.longitude).abs();
        let half_longitude = sine(apart.min(360.0 - apart).to_radians() / 2.0);
        let half_latitude = sine((other.latitude - self.latitude).abs().to_radians() / 2.0);
        let cosine = |latitude: f64| sine((90.0 - latitude.abs()).to_radians());
        let h = half_latitude * half_latitude
            + cosine(self.latitude) * cosine(other.latitude) * half_longitude * half_longitude;
        let reach = sine(angle);
        h <= reach * reach
    }

    /// True when the point lies in a geohash cell: halving by longitude and latitude in turns gives the cell's digits.
    pub(crate) fn is_in(self, cell: &str) -> bool {
        let (mut west, mut east) = (-180.0, 180.0);
        let (mut south, mut north) = (-90.0, 90.0);
        let mut by_longitude = true;
        cell.bytes().all(|wanted| {
            let mut digit = 0;
            for _ in 0..5 {
                let (low, high, value) = if by_longitude {
                    (&mut west, &mut east, self.longitude)
                } else {
                    (&mut south, &mut north, self.latitude)
                };
                let middle = (*low + *high) / 2.0;
                let upper = value >= middle;
                *(if upper { low } else { high }) = middle;
                digit = digit << 1 | usize::from(upper);
                by_longitude = !by_longitude;
            }
            DIGITS[digit] == wanted
        })
    }
}

/// The sine of 0 to a quarter turn, by its series: the error is below 1e-13, half a micrometre on the ground. The standard library's
/// takes any angle, which is 10 KiB of a component.
fn sine(x: f64) -> f64 {
    let (mut sum, mut term) = (x, x);
    for n in [2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0, 16.0] {
        term *= -x * x / (n * (n + 1.0));
        sum += term;
    }
    sum
}

/// A geohash of 1 to 12 digits, in lower case.
pub(crate) fn read_geohash(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let sound = (1..=12).contains(&lower.len()) && lower.bytes().all(|byte| DIGITS.contains(&byte));
    sound.then_some(lower)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_distances() {
        let berlin = Point::new(52.52, 13.405).unwrap();
        let munich = Point::new(48.1351, 11.582).unwrap();
        assert!(berlin.is_within(504_700.0, munich) && munich.is_within(504_700.0, berlin));
        assert!(!berlin.is_within(504_000.0, munich) && !munich.is_within(504_000.0, berlin));
        assert!(berlin.is_within(0.0, berlin));
        let at = |longitude| Point::new(0.0, longitude).unwrap();
        assert!(
            at(-179.9).is_within(22_300.0, at(179.9)),
            "over the date line"
        );
        assert!(!at(-179.9).is_within(22_200.0, at(179.9)));
        let (south, north) = (
            Point::new(-90.0, 5.0).unwrap(),
            Point::new(90.0, 77.0).unwrap(),
        );
        assert!(south.is_within(20_015_200.0, north) && !south.is_within(19_900_000.0, north));
        for degrees in 0..=90 {
            let x = f64::from(degrees).to_radians();
            assert!((sine(x) - x.sin()).abs() < 1e-13, "{degrees}");
        }
        for (latitude, longitude) in [(91.0, 0.0), (0.0, -181.0), (f64::NAN, 0.0)] {
            assert_eq!(Point::new(latitude, longitude), None);
        }
    }

    /// The example of Gustavo Niemeyer's geohash.org announcement and one from the south-west.
    #[test]
    fn known_cells() {
        for (latitude, longitude, hash) in [
            (57.64911, 10.40744, "u4pruydqqvj"),
            (42.605, -5.603, "ezs42"),
            (-25.382708, -49.265506, "6gkzwgjzn820"),
        ] {
            let point = Point::new(latitude, longitude).unwrap();
            for end in 1..=hash.len() {
                assert!(point.is_in(&hash[..end]), "{}", &hash[..end]);
            }
            assert!(!point.is_in("s"));
        }
        assert_eq!(read_geohash("U4PRU").as_deref(), Some("u4pru"));
        for text in ["", "a", "u4pr!", "0123456789012"] {
            assert_eq!(read_geohash(text), None, "{text}");
        }
    }
}
