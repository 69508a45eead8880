/** Our look on top of the component kit; the colours themselves are in tokens.css. */

import { createTheme, type MantineColorsTuple } from "@mantine/core";

// From cream to espresso.
const moka: MantineColorsTuple = [
  "#faf3ed", "#f0e1d4", "#e3c3a8", "#d8a67c", "#cd8a54", "#bd6f35", "#a55c28", "#8a4b1f", "#703c18", "#552d12",
];

// Grey with a little warmth; the kit's own is bluish.
const gray: MantineColorsTuple = [
  "#f7f4f0", "#f2efea", "#e5e0d8", "#d8d1c7", "#cbc3b7", "#a59c90", "#857c70", "#575048", "#3a352f", "#221e19",
];
const dark: MantineColorsTuple = [
  "#ece7e0", "#b8b0a5", "#9a9185", "#6b6259", "#4d463f", "#322d29", "#211d1b", "#1c1917", "#151311", "#100e0d",
];

export const theme = createTheme({
  primaryColor: "moka",
  primaryShade: { light: 7, dark: 4 },
  colors: { moka, gray, dark },
  fontFamily: "'IBM Plex Sans', ui-sans-serif, system-ui, sans-serif",
  fontFamilyMonospace: "'IBM Plex Mono', ui-monospace, monospace",
  fontSizes: { xs: "12px", sm: "13px", md: "14px", lg: "16px", xl: "20px" },
  headings: { fontWeight: "600" },
  defaultRadius: 5,
  cursorType: "pointer",
  focusRing: "auto",
  respectReducedMotion: true,
});
