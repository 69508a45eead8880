/** The one door to the component kit: what the pages use of it, so that another could take its place. */

export {
  ActionIcon,
  Autocomplete,
  Button,
  Menu,
  Modal,
  SegmentedControl,
  Select,
  Skeleton,
  Switch,
  TextInput,
  Tooltip,
  UnstyledButton,
  useMantineColorScheme,
} from "@mantine/core";
export { useLocalStorage, useMediaQuery } from "@mantine/hooks";
export * from "./StateMark";
export * from "./Time";
export * from "./Notice";
export * from "./Copy";
export * from "./icons";
