// The theme is the attribute data-theme of the page and the cookie that the server reads it from; without both it is
// that of the system.

export function isDark(): boolean {
  const chosen = document.documentElement.dataset['theme'];
  return chosen ? chosen === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
}

export function toggleTheme(): void {
  const theme = isDark() ? 'light' : 'dark';
  document.documentElement.dataset['theme'] = theme;
  document.cookie = `spark_theme=${theme}; Path=/; Max-Age=31536000; SameSite=Lax`;
}
