//! Language codes of containers as BCP 47 tags.

/// ISO 639-2 codes (terminological and bibliographic) with the ISO 639-1 code that BCP 47 wants in their place.
const TWO_LETTER: &str = "aar aa abk ab afr af aka ak alb sq sqi sq amh am ara ar arg an arm hy hye hy asm as ava av ave ae aym ay aze az \
bak ba bam bm baq eu eus eu bel be ben bn bih bh bis bi bos bs bre br bul bg bur my mya my cat ca cha ch che ce chi zh zho zh chu cu chv cv \
cor kw cos co cre cr cze cs ces cs dan da div dv dut nl nld nl dzo dz eng en epo eo est et ewe ee fao fo fij fj fin fi fre fr fra fr fry fy \
ful ff geo ka kat ka ger de deu de gla gd gle ga glg gl glv gv gre el ell el grn gn guj gu hat ht hau ha heb he her hz hin hi hmo ho hrv hr \
hun hu ibo ig ice is isl is ido io iii ii iku iu ile ie ina ia ind id ipk ik ita it jav jv jpn ja kal kl kan kn kas ks kau kr kaz kk khm km \
kik ki kin rw kir ky kom kv kon kg kor ko kua kj kur ku lao lo lat la lav lv lim li lin ln lit lt ltz lb lub lu lug lg mac mk mkd mk mah mh \
mal ml mao mi mri mi mar mr may ms msa ms mlg mg mlt mt mon mn nau na nav nv nbl nr nde nd ndo ng nep ne nno nn nob nb nor no nya ny oci oc \
oji oj ori or orm om oss os pan pa per fa fas fa pli pi pol pl por pt pus ps que qu roh rm rum ro ron ro run rn rus ru sag sg san sa sin si \
slo sk slk sk slv sl sme se smo sm sna sn snd sd som so sot st spa es srd sc srp sr ssw ss sun su swa sw swe sv tah ty tam ta tat tt tel te \
tgk tg tgl tl tha th tib bo bod bo tir ti ton to tsn tn tso ts tuk tk tur tr twi tw uig ug ukr uk urd ur uzb uz ven ve vie vi vol vo wel cy \
cym cy wln wa wol wo xho xh yid yi yor yo zha za zul zu";

/// Languages of the Macintosh codes 0 to 14, which QuickTime files use in place of ISO codes.
const MACINTOSH: [&str; 15] = [
    "en", "fr", "de", "it", "nl", "sv", "es", "da", "pt", "no", "he", "ja", "ar", "fi", "el",
];

/// The tag for the packed ISO 639-2/T code of an `mdhd` box; `None` when it says nothing.
pub(crate) fn from_packed(code: u16) -> Option<String> {
    if code < 0x400 {
        // 0 is both "English" and what careless writers leave; it says nothing.
        return MACINTOSH
            .get(usize::from(code))
            .filter(|_| code != 0)
            .map(|tag| (*tag).to_owned());
    }
    let letters: String = [10, 5, 0]
        .iter()
        .map(|shift| char::from((((code >> shift) & 31) as u8) + 0x60))
        .collect();
    from_tag(&letters)
}

/// The packed ISO 639-2/T code of an `mdhd` box for a tag; `und` when the tag has none.
pub(crate) fn to_packed(tag: Option<&str>) -> u16 {
    three_letters(tag)
        .bytes()
        .fold(0, |code, letter| code << 5 | u16::from(letter - 0x60))
}

/// The ISO 639-2/T code of a tag; `und` when it has none.
pub(crate) fn three_letters(tag: Option<&str>) -> &str {
    let primary = tag.unwrap_or("und").split('-').next().unwrap_or("und");
    let words: Vec<_> = TWO_LETTER.split_ascii_whitespace().collect();
    // Where a language has two codes the terminological one comes last.
    let long = words
        .chunks_exact(2)
        .rfind(|pair| pair[1] == primary)
        .map_or(primary, |pair| pair[0]);
    if long.len() == 3 && long.bytes().all(|byte| byte.is_ascii_lowercase()) {
        long
    } else {
        "und"
    }
}

/// A well-formed tag in its shortest form; `None` for `und` and for what is no tag.
pub(crate) fn from_tag(tag: &str) -> Option<String> {
    let tag = tag.trim();
    let well_formed = !tag.is_empty()
        && tag.len() <= 64
        && tag.split('-').all(|part| {
            (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
        });
    let (primary, rest) = tag
        .split_once('-')
        .map_or((tag, None), |(primary, rest)| (primary, Some(rest)));
    let letters = primary.bytes().all(|byte| byte.is_ascii_alphabetic());
    if !well_formed || !letters || primary.len() < 2 || ["und", "mis", "zxx"].contains(&primary) {
        return None;
    }
    let primary = primary.to_ascii_lowercase();
    let mut words = TWO_LETTER.split_ascii_whitespace();
    let mut short = None;
    while let (Some(long), Some(two)) = (words.next(), words.next()) {
        if long == primary {
            short = Some(two);
        }
    }
    let primary = short.unwrap_or(&primary);
    Some(rest.map_or_else(|| primary.to_owned(), |rest| format!("{primary}-{rest}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_codes_become_the_shortest_tag() {
        // `eng` is 5, 14, 7 in five-bit letters.
        assert_eq!(from_packed(5 << 10 | 14 << 5 | 7).as_deref(), Some("en"));
        assert_eq!(from_packed(21 << 10 | 14 << 5 | 4), None, "und");
        assert_eq!(from_packed(0x7fff), None);
        assert_eq!(from_packed(2).as_deref(), Some("de"));
        assert_eq!(from_packed(0), None);
    }

    #[test]
    fn the_table_is_pairs_of_three_and_two_letters() {
        let words: Vec<_> = TWO_LETTER.split_ascii_whitespace().collect();
        assert!(
            words.len() % 2 == 0
                && words
                    .chunks(2)
                    .all(|pair| pair[0].len() == 3 && pair[1].len() == 2)
        );
        assert_eq!(
            to_packed(Some("fr-CA")),
            6 << 10 | 18 << 5 | 1,
            "fra, not fre"
        );
        assert_eq!(to_packed(None), 21 << 10 | 14 << 5 | 4);
    }

    #[test]
    fn tags_keep_their_region_and_script() {
        assert_eq!(from_tag("pt-BR").as_deref(), Some("pt-BR"));
        assert_eq!(from_tag("zho-Hant").as_deref(), Some("zh-Hant"));
        assert_eq!(from_tag("gsw").as_deref(), Some("gsw"));
        assert_eq!(from_tag("en\"\n#EXT"), None);
    }
}
