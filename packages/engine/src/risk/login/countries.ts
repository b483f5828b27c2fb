/**
 * Where countries are, roughly: a middle and how far their land reaches from it. Enough to tell that nobody can have
 * been in both within the time; small states that lie inside or beside others need no entry of their own, and without an
 * entry nothing is said.
 * @module
 */

/** `code latitude longitude reach`, degrees and kilometres. */
const TABLE = `
AD 42 1 30|AE 24 54 350|AF 34 66 700|AG 17 -62 40|AI 18 -63 30|AL 41 20 180|AM 40 45 200|AO -12 18 900|AR -36 -65 1900
AS -14 -171 100|AT 47 14 320|AU -25 134 2300|AW 12 -70 30|AX 60 20 50|AZ 40 48 300|BA 44 18 230|BB 13 -60 30|BD 24 90 400
BE 51 4 170|BF 12 -2 450|BG 43 25 280|BH 26 51 40|BI -3 30 150|BJ 9 2 400|BL 18 -63 20|BM 32 -65 30|BN 5 115 90
BO -17 -65 900|BQ 12 -68 60|BR -10 -53 2400|BS 24 -76 500|BT 27 90 180|BW -22 24 600|BY 53 28 350|BZ 17 -89 150
CA 60 -100 3000|CC -12 97 30|CD -3 23 1200|CF 7 21 750|CG -1 15 650|CH 47 8 190|CI 8 -6 420|CK -20 -159 800
CL -35 -71 2300|CM 6 12 650|CN 36 104 2700|CO 4 -73 950|CR 10 -84 230|CU 22 -79 620|CV 16 -24 180|CW 12 -69 40
CX -10 106 20|CY 35 33 120|CZ 50 15 270|DE 51 10 450|DJ 12 43 110|DK 56 10 250|DM 15 -61 30|DO 19 -70 210|DZ 28 3 1200
EC -2 -78 1200|EE 59 26 200|EG 27 30 700|EH 24 -13 450|ER 15 39 450|ES 40 -4 1700|ET 9 40 850|FI 64 26 650|FJ -18 178 350
FK -52 -59 150|FM 7 152 1700|FO 62 -7 70|FR 46 2 600|GA -1 12 400|GB 54 -2 650|GD 12 -62 30|GE 42 44 330|GF 4 -53 230
GG 49 -3 30|GH 8 -1 400|GI 36 -5 20|GL 72 -40 1500|GM 13 -15 220|GN 11 -11 450|GP 16 -62 60|GQ 2 10 350|GR 39 22 500
GT 16 -90 280|GU 13 145 40|GW 12 -15 180|GY 5 -59 450|HK 22 114 50|HN 15 -87 340|HR 45 16 300|HT 19 -73 200|HU 47 19 280
ID -2 118 2700|IE 53 -8 260|IL 31 35 250|IM 54 -5 40|IN 22 79 1700|IQ 33 44 550|IR 32 53 1100|IS 65 -19 280|IT 43 12 700
JE 49 -2 20|JM 18 -77 120|JO 31 36 270|JP 37 138 1600|KE 0 38 600|KG 41 75 500|KH 13 105 310|KI 0 -170 2600|KM -12 44 150
KN 17 -63 30|KP 40 127 380|KR 36 128 330|KW 29 48 120|KY 19 -81 140|KZ 48 67 1600|LA 18 104 550|LB 34 36 120|LC 14 -61 30
LI 47 10 20|LK 8 81 240|LR 6 -9 300|LS -30 28 150|LT 55 24 220|LU 50 6 60|LV 57 25 260|LY 27 18 950|MA 32 -6 750|MC 44 7 10
MD 47 29 200|ME 43 19 110|MF 18 -63 20|MG -19 47 800|MH 9 168 600|MK 42 22 120|ML 17 -4 950|MM 21 96 1000|MN 47 104 1250
MO 22 114 20|MP 16 146 350|MQ 15 -61 40|MR 20 -10 750|MS 17 -62 20|MT 36 14 30|MU -20 58 600|MV 3 73 450|MW -13 34 450
MX 23 -102 1700|MY 4 109 1100|MZ -18 35 1050|NA -22 17 800|NC -21 165 300|NE 17 9 900|NF -29 168 20|NG 9 8 700|NI 13 -85 280
NL 52 5 190|NO 64 12 1000|NP 28 84 450|NR -1 167 20|NU -19 -170 20|NZ -41 173 900|OM 21 56 600|PA 9 -80 330|PE -9 -75 1100
PF -17 -145 1500|PG -6 147 900|PH 12 122 1000|PK 30 69 950|PL 52 19 400|PM 47 -56 30|PR 18 -66 100|PS 32 35 90|PT 39 -8 1500
PW 7 134 300|PY -23 -58 550|QA 25 51 90|RE -21 56 40|RO 46 25 400|RS 44 21 270|RU 60 95 4300|RW -2 30 130|SA 24 45 1100
SB -9 160 750|SC -5 55 900|SD 15 30 950|SE 62 16 800|SG 1 104 30|SI 46 15 140|SK 49 20 230|SL 8 -12 190|SM 44 12 10
SN 14 -14 380|SO 5 46 900|SR 4 -56 300|SS 7 30 600|ST 0 7 110|SV 14 -89 150|SX 18 -63 20|SY 35 38 420|SZ -27 31 100
TC 22 -72 70|TD 15 19 950|TG 8 1 320|TH 15 101 850|TJ 39 71 380|TL -9 126 170|TM 39 60 650|TN 34 9 420|TO -20 -175 350
TR 39 35 850|TT 10 -61 110|TV -8 178 350|TW 24 121 220|TZ -6 35 650|UA 49 32 750|UG 1 32 350|US 40 -98 2700|UY -33 -56 330
UZ 41 64 800|VA 42 12 10|VC 13 -61 60|VE 7 -66 850|VG 18 -65 40|VI 18 -65 60|VN 16 106 1000|VU -16 167 500|WF -14 -177 150
WS -14 -172 80|YE 16 48 600|YT -13 45 30|ZA -29 24 900|ZM -13 28 750|ZW -19 30 480`

interface Whereabouts {
  readonly latitude: number
  readonly longitude: number
  readonly reach: number
}

const COUNTRIES: ReadonlyMap<string, Whereabouts> = new Map(
  TABLE.trim()
    .split(/[|\n]/)
    .map((line) => {
      const [code = '', latitude, longitude, reach] = line.split(' ')
      return [
        code,
        { latitude: Number(latitude), longitude: Number(longitude), reach: Number(reach) },
      ] as const
    }),
)

const EARTH_KM = 6371

/** Kilometres that lie between two countries at least, roughly; 0 for neighbours; null when one is not known. */
export function kilometresBetween(one: string, other: string): number | null {
  const [a, b] = [COUNTRIES.get(one), COUNTRIES.get(other)]
  if (a === undefined || b === undefined) return null
  const rad = Math.PI / 180
  const [dLat, dLon] = [(b.latitude - a.latitude) * rad, (b.longitude - a.longitude) * rad]
  const h =
    Math.sin(dLat / 2) ** 2 +
    Math.cos(a.latitude * rad) * Math.cos(b.latitude * rad) * Math.sin(dLon / 2) ** 2
  const middle = 2 * EARTH_KM * Math.asin(Math.min(1, Math.sqrt(h)))
  return Math.max(0, middle - a.reach - b.reach)
}

/** Faster than an airliner, waiting at the airport left out. */
const KM_PER_HOUR = 1000
/** Nearer than this nobody is told apart: a border, a ferry, a lookup that errs. */
const SLACK_KM = 300

/** Whether nobody can have been in both within so many milliseconds. */
export function isTooFar(one: string, other: string, ms: number): boolean {
  const between = kilometresBetween(one, other)
  return between !== null && between - SLACK_KM > (Math.max(0, ms) / 3_600_000) * KM_PER_HOUR
}
