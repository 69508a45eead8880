/** The few signs we need, drawn here. */

import type { ReactNode } from "react";

function Icon({ children }: { children: ReactNode }) {
  return (
    <svg
      width="16"
      height="16"
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden
    >
      {children}
    </svg>
  );
}

export const SearchIcon = () => (
  <Icon>
    <circle cx="7" cy="7" r="4.5" />
    <path d="M10.500 10.500 14 14" />
  </Icon>
);
export const SunIcon = () => (
  <Icon>
    <circle cx="8" cy="8" r="3" />
    <path d="M8 1.500v1.500M8 13v1.500M1.500 8H3M13 8h1.500M3.400 3.400l1 1M11.600 11.600l1 1M12.600 3.400l-1 1M4.400 11.600l-1 1" />
  </Icon>
);
export const MoonIcon = () => (
  <Icon>
    <path d="M13.500 9.800A6 6 0 0 1 6.200 2.500a6 6 0 1 0 7.300 7.300z" />
  </Icon>
);
export const ScreenIcon = () => (
  <Icon>
    <rect x="2" y="2.500" width="12" height="8.500" rx="1" />
    <path d="M6 14h4" />
  </Icon>
);
export const CopyIcon = () => (
  <Icon>
    <rect x="5.500" y="5.500" width="8" height="8" rx="1.200" />
    <path d="M3.500 10.500h-.3a.7.7 0 0 1-.7-.7V3.200a.7.7 0 0 1 .7-.7h6.600a.7.7 0 0 1 .7.7v.3" />
  </Icon>
);
export const DoneIcon = () => (
  <Icon>
    <path d="m3 8.500 3.200 3.200L13 5" />
  </Icon>
);
export const PauseIcon = () => (
  <Icon>
    <path d="M5.500 3.500v9M10.500 3.500v9" />
  </Icon>
);
export const PlayIcon = () => (
  <Icon>
    <path d="M5 3.300v9.400L12.500 8z" />
  </Icon>
);
export const FilterIcon = () => (
  <Icon>
    <path d="M2 4h12M4.500 8h7M6.500 12h3" />
  </Icon>
);
export const DownIcon = () => (
  <Icon>
    <path d="M8 3v8.500M4.500 8.200 8 11.700l3.500-3.500" />
  </Icon>
);
export const UpIcon = () => (
  <Icon>
    <path d="M8 13V4.500M4.500 7.800 8 4.300l3.500 3.500" />
  </Icon>
);
export const CloseIcon = () => (
  <Icon>
    <path d="m4 4 8 8M12 4l-8 8" />
  </Icon>
);
export const KeyboardIcon = () => (
  <Icon>
    <rect x="1.500" y="3.500" width="13" height="9" rx="1.200" />
    <path d="M4 6.500h.01M6.700 6.500h.01M9.300 6.500h.01M12 6.500h.01M5 9.700h6" />
  </Icon>
);
