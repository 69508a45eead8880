/** Light, dark, or as the system has it. */

import { ActionIcon, Menu, MoonIcon, ScreenIcon, SunIcon, useMantineColorScheme } from "../kit";

const CHOICES = [
  { value: "auto", label: "Like the system", icon: <ScreenIcon /> },
  { value: "light", label: "Light", icon: <SunIcon /> },
  { value: "dark", label: "Dark", icon: <MoonIcon /> },
] as const;

export function SchemeSwitch() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const current = CHOICES.find((choice) => choice.value === colorScheme) ?? CHOICES[0];
  return (
    <Menu position="bottom-end" shadow="sm">
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={`Theme: ${current.label}`} title="Theme">
          {current.icon}
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {CHOICES.map((choice) => (
          <Menu.Item key={choice.value} leftSection={choice.icon} onClick={() => setColorScheme(choice.value)}>
            {choice.label}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
