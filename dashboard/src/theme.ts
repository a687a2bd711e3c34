/** The settings of Mantine's theme. The values of its variables, and ours, are in tokens.css. */
import { createTheme, Modal, NativeSelect, PasswordInput, Textarea, TextInput, Tooltip } from '@mantine/core';

const named = (name: string) => `var(--mantine-color-${name})`;
const shades = (name: string) => Array.from({ length: 10 }, (_, shade) => named(`${name}-${shade}`));

export const theme = createTheme({
  primaryColor: 'pigeon',
  colors: { pigeon: shades('pigeon') as [string, ...string[]] as never },
  defaultRadius: 'sm',
  cursorType: 'pointer',
  respectReducedMotion: true,
  components: {
    // Locking the page's scroll bar would put a style element into the page, which its policy forbids.
    Modal: Modal.extend({ defaultProps: { lockScroll: false, centered: true, transitionProps: { duration: 0 } } }),
    NativeSelect: NativeSelect.extend({ defaultProps: { size: 'sm' } }),
    PasswordInput: PasswordInput.extend({ defaultProps: { size: 'sm' } }),
    Textarea: Textarea.extend({ defaultProps: { size: 'sm' } }),
    TextInput: TextInput.extend({ defaultProps: { size: 'sm' } }),
    Tooltip: Tooltip.extend({ defaultProps: { withArrow: true, transitionProps: { duration: 0 } } }),
  },
});
