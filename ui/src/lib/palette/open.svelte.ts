// Which command palette is open: of everything, or of the files of the dataset that is shown.
export const palette = $state<{ open: 'everything' | 'files' | null }>({ open: null });
