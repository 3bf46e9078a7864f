import { reasonOf } from './session';

/** refuse says why there is nothing to see. */
export function refuse(element: Element, error: unknown): void {
  const text = document.createElement('p');
  text.className = 'refused';
  text.setAttribute('role', 'alert');
  text.textContent = `The page cannot be opened: ${reasonOf(error)}`;
  const again = document.createElement('button');
  again.type = 'button';
  again.className = 'main-button';
  again.textContent = 'Try again';
  again.addEventListener('click', () => location.reload());
  element.replaceChildren(text, again);
}
