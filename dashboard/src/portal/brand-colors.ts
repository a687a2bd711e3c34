/** The colours of the pages from the platform's own, so changed that texts stay readable. Pure. */

/** A colour as red, green and blue from 0 to 255. */
type Rgb = readonly [number, number, number];
export type Scheme = 'light' | 'dark';

/** WCAG 2.2, 1.4.3: text of any size. */
const MIN_CONTRAST = 4.5;
const STEP = 0.04;
const WHITE: Rgb = [255, 255, 255];
const BLACK: Rgb = [0, 0, 0];

/** Of tokens.css, the surface that texts in the colour stand on and have the least contrast to. */
const SURFACES: Readonly<Record<Scheme, Rgb>> = { light: [240, 242, 244], dark: [23, 29, 36] };
/** How much of the colour is in the background of what is chosen. */
const SOFTNESS: Readonly<Record<Scheme, number>> = { light: 0.1, dark: 0.18 };

/** The values of the variables of tokens.css for a colour such as `#17606b`; none for a text that is no colour. */
export function brandColors(color: string, scheme: Scheme): Readonly<Record<string, string>> {
  const given = parseColor(color);
  if (!given) return {};
  const soft = mix(SURFACES[scheme], given, SOFTNESS[scheme]);
  const accent = readableOn([SURFACES[scheme], soft], given, scheme === 'light' ? BLACK : WHITE);
  // Buttons have white texts.
  const filled = readableOn([WHITE], given, BLACK);
  return {
    '--accent': format(accent),
    '--accent-soft': format(soft),
    '--mantine-color-pigeon-filled': format(filled),
    '--mantine-color-pigeon-filled-hover': format(mix(filled, BLACK, 0.15)),
  };
}

/** The contrast of two colours, from 1 to 21: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio */
export function contrast(one: Rgb, other: Rgb): number {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

export function parseColor(text: string): Rgb | undefined {
  const [, digits] = /^#([0-9a-f]{6})$/i.exec(text) ?? [];
  if (digits === undefined) return undefined;
  return [0, 2, 4].map((start) => Number.parseInt(digits.slice(start, start + 2), 16)) as unknown as Rgb;
}

/** The colour, moved towards another as far as texts need it on all of these backgrounds. */
function readableOn(backgrounds: readonly Rgb[], color: Rgb, towards: Rgb): Rgb {
  for (let share = 0; share < 1; share += STEP) {
    const changed = mix(color, towards, share);
    if (backgrounds.every((background) => contrast(changed, background) >= MIN_CONTRAST)) return changed;
  }
  return towards;
}

function mix(one: Rgb, other: Rgb, share: number): Rgb {
  return one.map((part, index) => Math.round(part + (other[index]! - part) * share)) as unknown as Rgb;
}

function luminance(color: Rgb): number {
  const [red, green, blue] = color.map((part) => {
    const value = part / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function format(color: Rgb): string {
  return `#${color.map((part) => part.toString(16).padStart(2, '0')).join('')}`;
}
