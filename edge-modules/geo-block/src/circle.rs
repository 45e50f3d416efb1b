//! Circles on the earth.

use serde::Deserialize;
use weir_location::Point;

/// A circle as a configuration writes it.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Circle {
    latitude: f64,
    longitude: f64,
    radius_km: f64,
}

impl Circle {
    /// The circle's middle.
    ///
    /// # Errors
    /// What is wrong with the circle.
    pub(crate) fn check(&self) -> Result<Point, &'static str> {
        if !(self.radius_km > 0.0 && self.radius_km <= 20_100.0) {
            return Err("`radius-km` is more than 0 and at most 20100, half of the earth's girth");
        }
        Point::new(self.latitude, self.longitude)
            .ok_or("`latitude` is -90 to 90, `longitude` -180 to 180")
    }

    /// True when the point lies in the circle or on its line.
    pub(crate) fn contains(&self, point: Point) -> bool {
        self.check()
            .is_ok_and(|middle| middle.distance_km(point) <= self.radius_km)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_what_is_near() {
        let berlin = Point::read("52.5200, 13.4050").unwrap();
        let munich = Point::read("48.1351;11.5820").unwrap();
        let circle = Circle {
            latitude: 52.52,
            longitude: 13.405,
            radius_km: 500.0,
        };
        assert!(circle.contains(berlin) && !circle.contains(munich));
    }

    #[test]
    fn what_is_no_circle_is_refused() {
        for radius_km in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(
                Circle {
                    latitude: 0.0,
                    longitude: 0.0,
                    radius_km
                }
                .check()
                .is_err()
            );
        }
    }
}
