import { add, can, connect, disable, duplicate, inbox, insert, offered, open, perform, pin, preview, remove, removeReconnect, rename, runUntil, type Action } from '../action';
import { nodeOf, titleOf } from '../model/document';
import { Menu, MenuItem } from '../shell/Menu';
import { useEditor, useServices } from '../shell/editor';

const groups: readonly (readonly Action[])[] = [
  [open, preview, pin, runUntil, inbox],
  [rename, duplicate, disable],
  [add, connect, insert],
  [remove, removeReconnect],
];

/** NodeMenu is what can be done with the selected node: of the card's ⋯, of a right click, and of Shift+F10. */
export function NodeMenu() {
  const services = useServices();
  const { editor, view } = services;
  const menu = useEditor((s) => s.menu);
  useEditor((s) => s.readOnly);
  const name = useEditor((s) => {
    const node = s.menu && nodeOf(s.document, s.menu.node);
    return node ? titleOf(node) : null;
  });
  if (!menu || name === null) return null;
  const close = () => {
    editor.set({ menu: null });
    view.takeFocus();
  };
  const shown = groups.map((group) => group.filter((action) => offered(action, services))).filter((group) => group.length > 0);
  return (
    <Menu label={`Actions of ${name}`} at={menu.at} onClose={close}>
      {shown.map((group, i) => (
        <div key={group[0]!.id} role="group" className={i > 0 ? 'menu-group' : undefined}>
          {group.map((action) => (
            <MenuItem key={action.id} shortcut={action.keys[0]} disabled={!can(action, services)} onChoose={() => { close(); perform(action, services); }}>
              {action.name}
            </MenuItem>
          ))}
        </div>
      ))}
    </Menu>
  );
}
