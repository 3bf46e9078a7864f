interface Props {
  label: string;
  axis: 'x' | 'y';
  size: number;
  min: number;
  max: number;
  onSize: (size: number) => void;
}

/** Resizer is the border of a panel that lies after it: dragged, or moved with the arrow keys. */
export function Resizer({ label, axis, size, min, max, onSize }: Props) {
  const position = (event: { clientX: number; clientY: number }) => (axis === 'x' ? event.clientX : event.clientY);
  return (
    <div
      className={`resizer ${axis}`}
      role="separator"
      aria-label={label}
      aria-orientation={axis === 'x' ? 'vertical' : 'horizontal'}
      aria-valuenow={size}
      aria-valuemin={min}
      aria-valuemax={max}
      tabIndex={0}
      onPointerDown={(event) => {
        event.preventDefault();
        const element = event.currentTarget;
        element.setPointerCapture(event.pointerId);
        const from = position(event);
        const move = (e: PointerEvent) => onSize(size + from - position(e));
        const end = () => element.removeEventListener('pointermove', move);
        element.addEventListener('pointermove', move);
        element.addEventListener('lostpointercapture', end, { once: true });
      }}
      onKeyDown={(event) => {
        const more = axis === 'x' ? 'ArrowLeft' : 'ArrowUp';
        const less = axis === 'x' ? 'ArrowRight' : 'ArrowDown';
        if (event.key !== more && event.key !== less) return;
        event.preventDefault();
        onSize(size + (event.key === more ? 16 : -16));
      }}
    />
  );
}
