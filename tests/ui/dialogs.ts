// Dialogs close with Escape and with a button, and the focus returns to what opened them.

import type { Locator } from '@playwright/test';
import { expect, test, type Page } from './story.ts';

/** Returns a button of the page itself. */
export const button = (page: Page, name: string | RegExp) => page.getByRole('main').getByRole('button', { name, exact: true }).first();

/** A dialog: its page, what opens it, and the item of a menu, if that is one. */
export interface Opened {
  /** Accessible name of the dialog. */
  dialog: string | RegExp;
  /** The button that opens the dialog or the menu. */
  from: (page: Page) => Locator;
  /** The item of the menu. */
  item?: string;
  /** What has to be done before. */
  before?: (page: Page) => Promise<void>;
}

/** A dialog that a button opens, or an item of its menu. */
export const by = (name: string | RegExp, dialog: string | RegExp = name, more: Partial<Opened> = {}): Opened => ({ dialog, from: (page) => button(page, name), ...more });

/** Fails if an open dialog does not fit on a phone: it must be in the window, and its title and its buttons without scrolling. */
async function fits(page: Page, dialog: Locator, name: string): Promise<void> {
  const before = page.viewportSize();
  await page.setViewportSize({ width: 390, height: 660 });
  const outside = () =>
    dialog.evaluate((element) => {
      const always = element.querySelectorAll('h2, header button, footer button');
      const found = [element, ...always].filter((one) => {
        const { top, bottom, left, right } = one.getBoundingClientRect();
        return top < 0 || left < 0 || bottom > innerHeight || right > innerWidth;
      });
      if (element.scrollWidth > element.clientWidth) found.push(element);
      return found.map((one) => `${one.tagName} ${one.textContent?.trim().slice(0, 40)}`);
    });
  // It rises into the window.
  await expect.poll(outside, `${name} on a phone`).toEqual([]);
  if (before) await page.setViewportSize(before);
}

/** Opens a dialog twice, looks at it on a phone, and closes it with Escape and with its button. */
async function closes(page: Page, { dialog: name, from, item, before }: Opened): Promise<void> {
  await before?.(page);
  const opener = from(page);
  const dialog = page.getByRole('dialog', { name }).last();
  for (const way of ['Escape', 'button']) {
    await opener.click();
    if (item !== undefined) await page.getByRole('menuitem', { name: item, exact: true }).click();
    await expect(dialog, `${name}`).toBeVisible();
    expect(await dialog.evaluate((element) => element.contains(document.activeElement)), `the focus is in ${name}`).toBe(true);
    if (way === 'Escape') await fits(page, dialog, `${name}`);
    if (way === 'Escape') await page.keyboard.press('Escape');
    else await dialog.getByRole('button', { name: /^(Cancel|Close|Done|Stay)$/ }).last().click();
    await expect(dialog, `${name}, by ${way}`).toHaveCount(0);
    await expect(opener, `the focus after ${name}, by ${way}`).toBeFocused();
  }
}

/** Visits pages, and opens and closes their dialogs. */
export async function walk(page: Page, places: Record<string, Opened[]>): Promise<void> {
  for (const [path, dialogs] of Object.entries(places)) {
    await test.step(path, async () => {
      await page.goto(path);
      for (const one of dialogs) await closes(page, one);
    });
  }
}
