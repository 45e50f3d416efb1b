//! Points on the earth.

/// The mean radius of the earth in kilometres (IUGG).
const EARTH_KM: f64 = 6_371.008_8;

/// A point in degrees: latitude -90 to 90, longitude -180 to 180.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    latitude: f64,
    longitude: f64,
}

impl Point {
    /// A point on the earth; none for numbers that are none.
    #[must_use]
    pub fn new(latitude: f64, longitude: f64) -> Option<Self> {
        let sound = (-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude);
        sound.then_some(Self {
            latitude,
            longitude,
        })
    }

    /// `52.52,13.405`, as headers write it.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let (latitude, longitude) = text.split_once([',', ';'])?;
        Self::new(
            latitude.trim().parse().ok()?,
            longitude.trim().parse().ok()?,
        )
    }

    /// The distance over the surface in kilometres: the haversine formula, right to 0.6 % (the earth is no sphere).
    #[must_use]
    pub fn distance_km(self, other: Self) -> f64 {
        let (one, two) = (self.latitude.to_radians(), other.latitude.to_radians());
        let half_latitude = (two - one) / 2.0;
        let half_longitude = (other.longitude - self.longitude).to_radians() / 2.0;
        let h = half_latitude.sin().powi(2) + one.cos() * two.cos() * half_longitude.sin().powi(2);
        // Rounding may bring `h` a hair above 1 for antipodes.
        2.0 * EARTH_KM * h.min(1.0).sqrt().asin()
    }
}

impl std::fmt::Display for Point {
    /// As [`Point::read`] reads it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{},{}", self.latitude, self.longitude)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_distances() {
        let berlin = Point::read("52.5200, 13.4050").unwrap();
        let munich = Point::read("48.1351;11.5820").unwrap();
        assert!((berlin.distance_km(munich) - 504.4).abs() < 1.0);
        let (west, east) = (
            Point::new(0.0, -179.9).unwrap(),
            Point::new(0.0, 179.9).unwrap(),
        );
        assert!(
            (west.distance_km(east) - 22.24).abs() < 0.1,
            "over the date line"
        );
        let (south, north) = (
            Point::new(-90.0, 5.0).unwrap(),
            Point::new(90.0, 77.0).unwrap(),
        );
        assert!((south.distance_km(north) - 20_015.1).abs() < 1.0);
    }

    #[test]
    fn what_is_no_point_is_refused() {
        for text in [
            "", "52.5", "91,0", "0,181", "nan,0", "inf,0", "a,b", "1,2,3",
        ] {
            assert_eq!(Point::read(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn distances_are_finite_and_the_same_both_ways(
            a in (-90.0..=90.0_f64, -180.0..=180.0_f64),
            b in (-90.0..=90.0_f64, -180.0..=180.0_f64),
        ) {
            let (a, b) = (Point::new(a.0, a.1).unwrap(), Point::new(b.0, b.1).unwrap());
            let distance = a.distance_km(b);
            prop_assert!((0.0..=20_016.0).contains(&distance));
            prop_assert!((distance - b.distance_km(a)).abs() < 1e-6);
        }
    }
}
