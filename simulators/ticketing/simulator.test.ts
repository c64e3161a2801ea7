import { describePlatformContract, describeShopContract, describeYandexContract } from './contract.ts';
import { createPlatform } from './platform.ts';
import { demoPlan } from './plans.ts';
import { createGeocoder, createYandexMusic } from './yandex.ts';
import { createYooKassa } from './yookassa.ts';

describePlatformContract('the ticketing platform, simulated', () => createPlatform({ plan: demoPlan(new Date()) }));
describeShopContract('YooKassa, simulated', async () => {
  const shop = await createYooKassa();
  return { api: shop.url, shopId: shop.shopId, secretKey: shop.secretKey, pay: (id) => void shop.pay(id), [Symbol.asyncDispose]: () => shop[Symbol.asyncDispose]() };
});
describeYandexContract('Yandex Music and the geocoder, simulated', async () => {
  const [music, geocoder] = [await createYandexMusic(), await createGeocoder()];
  return { music, geocoder, [Symbol.asyncDispose]: async () => void (await Promise.all([music[Symbol.asyncDispose](), geocoder[Symbol.asyncDispose]()])) };
});

const { YOOKASSA_SHOP_ID: shopId, YOOKASSA_SECRET_KEY: secretKey } = process.env;
if (shopId && secretKey) describeShopContract('YooKassa, a test shop', async () => ({ api: 'https://api.yookassa.ru/v3', shopId, secretKey, [Symbol.asyncDispose]: async () => undefined }));
